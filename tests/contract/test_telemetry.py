"""onnxruntime reports nothing to its maker, whatever the environment says."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.processes import TIMEOUT_S
from shared.config import ROOT, Settings

pytestmark = pytest.mark.integration  # it starts processes

# Prints its number of threads: a reporter in the background would have one of its own.
LOAD_A_MODEL = """
import os, sys
from pathlib import Path
from tests import sockets
sockets.forbid()
from shared.vision.session import Session
Session(Path(sys.argv[1]).read_bytes(), provider="cpu", threads=1)
print(len(os.listdir("/proc/self/task")))
"""


def run(folder: Path, code: str, *words: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process whose home and temporary folder is this one."""
    places = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=folder, env=places | environ,
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip


@pytest.mark.parametrize("environ", [{}, {"ORT_DISABLE_TELEMETRY": "0"}], ids=["unset", "on"])
def test_loading_a_model_writes_no_file_and_opens_no_socket(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    model = min(Settings.from_environment().models_dir.glob("*.onnx"), key=os.path.getsize)
    done = run(tmp_path, LOAD_A_MODEL, model, **environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"
    assert list(tmp_path.iterdir()) == []


def test_this_check_notices_a_socket(tmp_path: Path) -> None:
    code = """
from tests import sockets
sockets.forbid()
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
"""
    assert run(tmp_path, code).returncode == -signal.SIGSYS


def test_onnxruntime_is_imported_below_shared_only() -> None:
    """`shared/__init__.py`, which disables telemetry, runs before every module below it."""
    importers = [
        path.relative_to(ROOT)
        for folder in (
            "functions",
            "shared",
            "local_runner",
            "tools",
            "benchmarks",
            "harness",
            "tests",
        )
        for path in Path(ROOT, folder).rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime\b", path.read_text(encoding="utf-8"), re.M)
    ]
    assert importers
    assert {path.parts[0] for path in importers} == {"shared"}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("Makefile", r"^export ORT_DISABLE_TELEMETRY := 1$"),
        ("Dockerfile", r"^ENV (.*\\\n)*.* ORT_DISABLE_TELEMETRY=1\b"),
        ("template.yaml", r'^ {8}ORT_DISABLE_TELEMETRY: "1"'),
    ],
)
def test_every_way_to_start_disables_telemetry(file: str, line: str) -> None:
    assert re.search(line, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
