"""Keeps a worker running beside a server, which starts `python -m local_runner.supervisor`.

It is a process of its own because gunicorn's first process must neither have threads nor children
that it does not know. It ends, and the worker with it, when its standard input does, of which the
server holds the other end: so they end even where the server is killed.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading

from shared import log
from shared.config import Settings

_STOP_TIMEOUT_S = 15.0
_LOOK_S = 0.2
_PAUSE_S = 1.0

_logger = logging.getLogger(__name__)


class Supervisor:
    """A supervisor's process, as its server sees it."""

    def __init__(self) -> None:
        """Start it."""
        self._process = _start("local_runner.supervisor")

    def stop(self) -> None:
        """End it and the worker, and wait until they have ended."""
        _stop(self._process, _STOP_TIMEOUT_S + 1)


def main() -> None:
    """Run a worker, and another where one dies, until standard input ends."""
    log.configure(Settings.from_environment().log_level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to obey
    end = threading.Event()
    threading.Thread(target=_set_at_end_of_input, args=(end,), daemon=True).start()
    while not end.is_set():
        worker = _start("local_runner", "work", "--with-parent")
        while worker.poll() is None and not end.wait(_LOOK_S):
            continue
        if end.is_set():
            _stop(worker, _STOP_TIMEOUT_S)
        else:
            _logger.error("the worker died; another is started", extra={"status": worker.poll()})
            end.wait(_PAUSE_S)


def wait_for_end_of_input() -> None:
    """Return when standard input ends, whatever stood in it."""
    while os.read(sys.stdin.fileno(), 1024):
        continue


def _set_at_end_of_input(end: threading.Event) -> None:
    wait_for_end_of_input()
    end.set()


def _start(module: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own modules


def _stop(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Close the process's standard input, and kill it where it does not end."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


if __name__ == "__main__":
    main()
