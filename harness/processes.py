"""Finds processes of this machine, and waits for what they do."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TIMEOUT_S = 240
"""How long to wait for what happens at once on a machine that has nothing else to do."""


def wait_for(poll: Callable[[], T], *, timeout_s: float = TIMEOUT_S) -> T:
    """Call `poll` until it returns something true, and return that.

    Raises:
        TimeoutError: it did not within the time.
    """
    end = time.monotonic() + timeout_s
    while not (found := poll()):
        if time.monotonic() > end:
            raise TimeoutError(f"it did not happen within {timeout_s} s")
        time.sleep(0.05)
    return found


def coverage_variables() -> dict[str, str]:
    """Return the variables with which `make coverage` measures subprocesses too."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def of_session(leader: int, *words: str) -> list[int]:
    """Return the ids of the running processes of a session whose command has all these words.

    A session outlives the process that leads it.
    """
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdecimal() and _session(folder) == leader and set(words) <= _words(folder)
    ]


def _session(folder: Path) -> int | None:
    """Return the session of a process; None where the process has ended."""
    try:
        stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, _parent, _group, session = stat.rpartition(")")[2].split()[:4]
    return None if state in "ZX" else int(session)


def _words(folder: Path) -> set[str]:
    try:
        command = (folder / "cmdline").read_bytes()
    except OSError:
        return set()
    return set(command.decode(errors="replace").split("\0"))
