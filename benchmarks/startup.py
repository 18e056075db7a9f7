"""Measures the time from the start of a process to its first answer, and its memory.

Each function is called once in a fresh process, as a cold start does it, with warm files. Needs the
prepared models (`make models`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import track
from rich.table import Table

from benchmarks import measure
from shared.config import ROOT, Settings
from tests import builders, photos


@dataclass(frozen=True, slots=True)
class Start:
    """A cold start: seconds to the first answer, and the most memory the process had, in MB."""

    function: str
    seconds: float
    megabytes: float


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        starts = [
            _measure(function, event, Path(folder), arguments.repeats)
            for function, event in {
                "UnknownPathFunction": builders.event(path="/x", route="$default"),
                "FaceDeIdFunction": builders.event(
                    body=builders.deid_body(photos.astronaut_jpeg())
                ),
            }.items()
        ]
    table = Table("function", "first answer s", "memory MB", title="process start to first answer")
    for start in starts:
        table.add_row(start.function, f"{start.seconds:.2f}", f"{start.megabytes:.0f}")
    measure.show(table)
    measure.write([asdict(start) for start in starts], arguments.output)


def _measure(function: str, event: dict[str, Any], folder: Path, repeats: int) -> Start:
    path = folder / f"{function}.json"
    path.write_text(json.dumps({**event, "headers": {"authorization": "cold"}}), encoding="utf-8")
    environment = {
        "PATH": os.defpath,
        "DATA_DIR": str(folder / "data"),
        "MODELS_DIR": str(Settings.from_environment().models_dir),
        "LOCAL_KEY": "cold",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "local_runner", "invoke", function, "--event", str(path)]
    seconds, megabytes = [], []
    for _ in track(range(repeats + 1), function):
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        answer = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        megabytes.append(usage.ru_maxrss / 1024)
        if status or b"Empty Auth" in answer or b"Invalid Key" in answer:
            raise ValueError(f"{function} did not answer: {answer[:200]!r}")
    return Start(function, statistics.median(seconds[1:]), statistics.median(megabytes[1:]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.startup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=5, help="cold starts (default 5)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "startup.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
