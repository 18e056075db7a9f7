"""Runs the programs that the benchmarks compare with, in their own environment.

They cannot share the product's environment: their packages (`peers.txt`) would replace some of its.
A worker is a script in `peer_workers` that reads one JSON value from standard input and writes its
answer as one JSON value, on the last line of standard output. Its standard error is shown.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from rich.console import Console

FOLDER = Path(__file__).resolve().parent.parent / ".bench" / "peers"
REQUIREMENTS = Path(__file__).with_name("peers.txt")
WORKERS = Path(__file__).with_name("peer_workers")


class PeerError(Exception):
    """The environment could not be created, or a worker failed; the message says which."""


def ensure(folder: Path = FOLDER) -> Path:
    """Return the Python of the peers' environment, which is created if it is missing or outdated.

    Raises:
        PeerError: the packages could not be installed; pip's message is on standard error.
    """
    python = folder / "bin" / "python"
    stamp = folder / REQUIREMENTS.name  # written last, so an incomplete environment has none
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    with Console(stderr=True).status(f"Installing the programs to compare with into {folder}"):
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps"]
        installed = subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=False, stdout=sys.stderr)
    if installed.returncode != 0:
        raise PeerError(f"pip could not install {REQUIREMENTS.name}")
    stamp.write_text(wanted, encoding="utf-8")
    return python


def run(worker: str, request: object) -> Any:
    """Return the answer of `peer_workers/<worker>.py` to a request; both are plain JSON values.

    Raises:
        PeerError: the environment could not be created, or the worker failed.
    """
    command = [str(ensure()), "-W", "ignore", str(WORKERS / f"{worker}.py")]
    done = subprocess.run(
        command, input=json.dumps(request), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise PeerError(f"the peer {worker!r} ended with code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])
