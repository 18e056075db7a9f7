"""Keeps a worker running next to a server, which starts `python -m local_runner.supervisor`.

It is a process of its own because gunicorn's main process must have neither threads nor unknown
children. The server holds the other end of its standard input. When that closes, even because the
server was killed, the supervisor ends and the worker with it.
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
_POLL_S = 0.2
_RESTART_PAUSE_S = 1.0

_logger = logging.getLogger(__name__)


class Supervisor:
    """The process of a supervisor, for the server that starts it."""

    def __init__(self) -> None:
        """Start the process."""
        self._process = _start("local_runner.supervisor")

    def stop(self) -> None:
        """End the process and its worker, and wait for both."""
        _stop(self._process, _STOP_TIMEOUT_S + 1)


def main() -> None:
    """Run a worker until standard input ends, and start another if it dies."""
    log.configure(Settings.from_environment().log_level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles Ctrl-C
    end = threading.Event()
    set_at_end_of_input(end)
    while not end.is_set():
        worker = _start("local_runner", "work", "--with-parent")
        while worker.poll() is None and not end.wait(_POLL_S):
            continue
        if end.is_set():
            _stop(worker, _STOP_TIMEOUT_S)
        else:
            _logger.error("the worker died; another is started", extra={"status": worker.poll()})
            end.wait(_RESTART_PAUSE_S)


def set_at_end_of_input(event: threading.Event) -> None:
    """Start a thread that sets an event when standard input ends."""

    def read() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            continue
        event.set()

    threading.Thread(target=read, daemon=True).start()


def _start(module: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own modules


def _stop(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Close the standard input of a process; kill the process if it does not end."""
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
