"""Requirements for a machine: the wheel of onnxruntime, and included files."""

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.config import ROOT
from shared.vision.session import wants_gpu
from tools import requirements

VERSION = next(
    line.partition("==")[2]
    for line in requirements.read(ROOT / "requirements.txt")
    if line.startswith("onnxruntime-gpu==")
)


def printed(*words: str | Path) -> list[str]:
    """Return the printed lines, in a Python without any packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "tools" / "requirements.py", *words],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_replaces_the_wheel_of_onnxruntime_and_nothing_else(file: str) -> None:
    cpu = printed("--runtime", "cpu", file)
    gpu = printed("--runtime", "gpu", file)
    assert set(cpu) - set(gpu) == {f"onnxruntime=={VERSION}"}
    assert set(gpu) - set(cpu) == {f"onnxruntime-gpu=={VERSION}"}


def test_reads_included_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.txt").write_text("# About.\n-r below/b.txt\nflask==3.1.3  # a server\n\n")
    (tmp_path / "below" / "b.txt").write_text("--requirement=c.txt\n")
    (tmp_path / "below" / "c.txt").write_text("moto[s3]==5.2.5\nonnxruntime-gpu==1.31.1 # fast\n")
    expected = ["moto[s3]==5.2.5", "onnxruntime==1.31.1", "flask==3.1.3"]
    assert printed("--runtime", "cpu", tmp_path / "a.txt") == expected


@pytest.mark.parametrize(("code", "answers"), [(0, True), (100, False), (None, False)])
def test_detects_a_driver_that_responds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    code: int | None, answers: bool,
) -> None:  # fmt: skip
    """The script and the sessions agree, so the installed wheel is the one that is used."""

    def load(name: str) -> SimpleNamespace:
        assert name == "libcuda.so.1"
        if code is None:
            raise OSError(name)
        return SimpleNamespace(cuInit=lambda flags: code)

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(
        "shared.vision.session.ort.get_available_providers", lambda: ["CUDAExecutionProvider"]
    )
    monkeypatch.setattr(sys, "argv", ["requirements.py", str(ROOT / "requirements.txt")])

    requirements.main()

    wheel = "onnxruntime-gpu" if answers else "onnxruntime"
    assert f"{wheel}=={VERSION}" in capsys.readouterr().out.splitlines()
    assert wants_gpu("auto") == answers
