"""Measures the time from the start of a process to its first answer, and its memory.

Each function is called once in a fresh process, as in a cold start, with its files in the cache of
the operating system. Needs the prepared models (`make models`).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import track

from benchmarks import command
from harness import builders, command_line, photos
from shared.config import ROOT
from shared.handler import Event

_KEY = "cold"


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--repeats", type=int, default=5, help="cold starts of each function")
    arguments = parser.parse_args()
    body = builders.deid_body(photos.astronaut_jpeg())
    headers = {"authorization": _KEY}
    events = {
        "UnknownPathFunction": builders.event(path="/x", route="$default", headers=headers),
        "FaceDeIdFunction": builders.event(body=body, headers=headers),
    }
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            _measure(function, event, Path(folder), arguments.repeats)
            for function, event in events.items()
        ]
    table = command.records("process start to first answer", rows)
    command.report(arguments.output, rows, table)


def _measure(function: str, event: Event, folder: Path, repeats: int) -> dict[str, object]:
    """Return the median time to the first answer, and the median of the peak memory."""
    path = folder / f"{function}.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    environment = command_line.environment(folder, LOCAL_KEY=_KEY, LOG_LEVEL="ERROR")
    words = [sys.executable, "-m", "local_runner", "invoke", function, "--event", str(path)]
    seconds, megabytes = [], []
    for _ in track(range(repeats + 1), function):
        start = time.perf_counter()
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        answer = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        megabytes.append(usage.ru_maxrss / 1024)
        if status or b"Empty Auth" in answer or b"Invalid Key" in answer:
            raise ValueError(f"{function} did not answer: {answer[:200]!r}")
    return {
        "function": function,
        "first answer s": statistics.median(seconds[1:]),
        "memory MB": round(statistics.median(megabytes[1:])),
    }


if __name__ == "__main__":
    main()
