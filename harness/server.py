"""A real server process, driven over HTTP."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from harness.processes import TIMEOUT_S, coverage_variables, wait_for
from shared.config import ROOT, Settings


@dataclass(frozen=True)
class Server:
    """A running server, the process that leads it, and the file of its log."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self.process.send_signal(how)
        return self.process.wait(timeout=TIMEOUT_S)


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
            wait_until_healthy(server)
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


def wait_until_healthy(server: Server) -> None:
    """Wait for the first answer.

    Raises:
        RuntimeError: the server ended.
    """
    wait_for(lambda: is_healthy(server) or server.process.poll() is not None)
    if server.process.poll() is not None:
        raise RuntimeError(f"the server ended: {server.log.read_text()}")


def is_healthy(server: Server) -> bool:
    """Return whether the server answers."""
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(server.url + "/health", timeout=TIMEOUT_S).status_code == 200
    return False
