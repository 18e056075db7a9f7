"""Loads a real server (`serve`, several processes) with parallel clients, and checks the counts.

Each client calls FaceDeID again and again with a real photo. Every answer must be a success or a
well-formed refusal of the quota, and the store must have counted exactly the successes. Needs the
prepared models (`make models`). Exits with 1 if any of this does not hold.
"""

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from benchmarks import command
from harness import builders, command_line, photos
from harness.server import running

_SERVED = "served"
_REFUSALS = ("Daily Limit Exceeded", "Concurrent Limit Exceeded")


def main() -> int:
    """Run the command; return 1 if the counts are wrong."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--clients", type=int, default=16, help="parallel clients")
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--daily", type=int, default=1500, help="the key's quota")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["create", "load", "--tenant", "load", "--daily", str(arguments.daily)]
        key = _run(folder, "keys", *words)["text"]
        with running("serve", folder) as server:
            outcomes, times = _load(server.url, key, arguments.clients, arguments.seconds)
        (counted,) = {row["calls"] for row in _run(folder, "usage", "load")}
    served = outcomes[_SERVED]
    faults = [f"unexpected: {outcome}" for outcome in set(outcomes) - {_SERVED, *_REFUSALS}]
    if not served == counted <= arguments.daily:
        faults.append(f"{served} served, {counted} counted, a quota of {arguments.daily}")
    rows = {
        **dict(outcomes.most_common()),
        "counted by the store": counted,
        "successes a second": round(served / arguments.seconds, 1),
        "median ms of a success": round(statistics.median(times)),
    }
    title = f"{arguments.clients} clients, {arguments.seconds} s"
    return command.verdict(arguments.output, title, rows, faults)


def _load(url: str, key: str, clients: int, seconds: float) -> tuple[Counter[str], list[float]]:
    """Return how often each outcome was seen, and the times of the successes in milliseconds."""
    body = json.dumps(builders.deid_body(photos.astronaut_jpeg()))
    end = time.monotonic() + seconds

    def client(_: int) -> list[tuple[str, float]]:
        session = requests.Session()
        session.headers["Authorization"] = key
        seen = []
        while time.monotonic() < end:
            start = time.perf_counter()
            answer = session.post(f"{url}/FaceDeID", data=body, timeout=60).json()
            outcome = _SERVED if answer["result"] == 0 else str(answer["reason"])
            seen.append((outcome, (time.perf_counter() - start) * 1000))
        return seen

    with ThreadPoolExecutor(clients) as pool:
        calls = [call for seen in pool.map(client, range(clients)) for call in seen]
    times = [ms for outcome, ms in calls if outcome == _SERVED]
    return Counter(outcome for outcome, _ in calls), times


def _run(folder: Path, *words: str) -> Any:
    """Return the JSON that a command of the server's deployment prints."""
    done = command_line.run(folder, *words, "--json")
    done.check_returncode()
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
