"""A real server process, driven over HTTP."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from harness.processes import coverage_variables
from shared.config import ROOT, Settings

START_TIMEOUT_S = 60


@dataclass(frozen=True)
class Server:
    """A running server, the process that leads it, and the file of its log."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


@contextlib.contextmanager
def running(command: str, folder: Path, **environ: str) -> Iterator[Server]:
    """Run `python -m local_runner COMMAND` on a free port until the block ends.

    `environ` is added to the environment, in which events are off.
    """
    port = free_port()
    log = folder / "server.log"
    environment = {
        "PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        "MODELS_DIR": str(Settings.from_environment().models_dir),
        "EXECUTION_PROVIDER": "cpu",
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(folder / "tmp"),
        "TRIGGERS": "off",  # a worker takes time to start
        **coverage_variables(),
        **environ,
    }
    (folder / "tmp").mkdir()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_runner", command],
            cwd=ROOT, env=environment, stdout=output, stderr=output, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            server = Server(f"http://127.0.0.1:{port}", process, log)
            _wait_until_healthy(server)
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its workers, too
            process.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_healthy(server: Server) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended: {server.log.read_text()}")
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(server.url + "/health", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the server did not start: {server.log.read_text()}")
