"""Processes of this machine, and waiting for what they do."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TIMEOUT_S = 60


def wait_for(look: Callable[[], T], *, timeout_s: float = TIMEOUT_S) -> T:
    """Return what a look finds, as soon as it finds anything."""
    end = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def of_session(leader: int, *words: str) -> list[int]:
    """Return the processes of a session that have not ended and whose command has these words.

    A session outlives the process that leads it.
    """
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdecimal() and _session(folder) == leader and set(words) <= _words(folder)
    ]


def _session(folder: Path) -> int | None:
    """Return the session of a process; None if it has ended."""
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
