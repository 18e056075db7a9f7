"""Runs the command line as a user does."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.processes import TIMEOUT_S, coverage_variables, of_session
from shared.config import ROOT, Settings

Finished = subprocess.CompletedProcess[str]


def environment(folder: Path, **environ: str) -> dict[str, str]:
    """Return the environment of a command that keeps its data in a folder."""
    return {
        "DATA_DIR": str(folder / "data"),
        "MODELS_DIR": str(Settings.from_environment().models_dir),
        "EXECUTION_PROVIDER": "cpu",
        "PATH": "/usr/bin:/bin",
        **coverage_variables(),
        **environ,
    }


def run(folder: Path, *words: str | Path, stdin: str = "", **environ: str) -> Finished:
    """Run `python -m local_runner WORDS` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "local_runner", *map(str, words)],
        cwd=ROOT, env=environment(folder, **environ), input=stdin,
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip


@dataclass(frozen=True)
class Process:
    """A running process with an open standard input, and the file of its output."""

    popen: subprocess.Popen[str]
    log: Path

    def said(self, text: str) -> bool:
        """Return whether the output contains a text."""
        return text in self.log.read_text()

    def end_input(self) -> None:
        """Close the standard input."""
        assert self.popen.stdin is not None
        self.popen.stdin.close()

    def running(self, *words: str) -> list[int]:
        """Return the ids of it and what it started, where the command has these words."""
        return of_session(self.popen.pid, *words)


@contextlib.contextmanager
def started(folder: Path, *words: str | Path, **environ: str) -> Iterator[Process]:
    """Run `python WORDS` until the block ends, then kill it and all that it started."""
    log = folder / "log"
    with log.open("a") as output:
        popen = subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=ROOT, env=environment(folder, **environ), text=True,
            stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    with popen:
        try:
            yield Process(popen, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)
