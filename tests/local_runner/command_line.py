"""The command line, as a user runs it."""

import subprocess
import sys
from pathlib import Path

from shared.config import ROOT, Settings

TIMEOUT_S = 60

Finished = subprocess.CompletedProcess[str]


def environment(folder: Path, **environ: str) -> dict[str, str]:
    """Return the environment of a command whose state lives in a folder."""
    return {
        "DATA_DIR": str(folder / "data"),
        "MODELS_DIR": str(Settings.from_environment().models_dir),
        "EXECUTION_PROVIDER": "cpu",
        "PATH": "/usr/bin:/bin",
        **environ,
    }


def run(folder: Path, *words: str | Path, stdin: str = "", **environ: str) -> Finished:
    """Run `python -m local_runner WORDS` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "local_runner", *map(str, words)],
        cwd=ROOT, env=environment(folder, **environ), input=stdin,
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip


def assert_refused(finished: Finished, status: int, *words: str) -> None:
    """Check that a command said what is wrong, without a traceback."""
    assert finished.returncode == status, finished.stderr
    assert "Traceback" not in finished.stderr
    for word in words:
        assert word in finished.stderr
