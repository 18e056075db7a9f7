"""Loads a real server (`serve`, several processes) with parallel clients, and checks the account.

Each client calls FaceDeID again and again with a real photo. Every answer must be a success or a
worded refusal of the quota, and the store must count exactly the successes that they saw. Needs the
prepared models (`make models`). Exits with 1 where one of this does not hold.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from rich.table import Table

from benchmarks import measure
from shared.config import ROOT
from tests import builders, photos
from tests.e2e.server import running

_SERVED = "served"
_REFUSALS = ("Daily Limit Exceeded", "Concurrent Limit Exceeded")


def main() -> int:
    """Run the command; return 1 when the account is wrong."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["create", "load", "--tenant", "load", "--daily", str(arguments.daily)]
        key = _command(folder, "keys", *words)["text"]
        with running("serve", folder) as server:
            outcomes, times = _load(server.url, key, arguments.clients, arguments.seconds)
        (counted,) = {row["calls"] for row in _command(folder, "usage", "load")}
    served = outcomes[_SERVED]
    others = set(outcomes) - {_SERVED, *_REFUSALS}
    is_right = served == counted == min(counted, arguments.daily) and not others
    title = f"{arguments.clients} clients, {arguments.seconds} s"
    table = Table("outcome", "calls", title=title)
    for outcome, count in outcomes.most_common():
        table.add_row(outcome, str(count))
    table.add_row("counted by the store", str(counted))
    table.add_row("successes a second", f"{served / arguments.seconds:.1f}")
    table.add_row("median ms of a success", f"{statistics.median(times):.0f}")
    table.add_row("account", "exact" if is_right else "WRONG")
    measure.show(table)
    result = {"outcomes": outcomes, "counted": counted, "exact": is_right}
    measure.write(result, arguments.output)
    return 0 if is_right else 1


def _load(url: str, key: str, clients: int, seconds: float) -> tuple[Counter[str], list[float]]:
    body = json.dumps(builders.deid_body(photos.astronaut_jpeg()))
    end = time.monotonic() + seconds

    def client(_: int) -> list[tuple[str, float]]:
        session = requests.Session()
        seen = []
        while time.monotonic() < end:
            start = time.perf_counter()
            reply = session.post(
                f"{url}/FaceDeID", data=body, headers={"Authorization": key}, timeout=60
            )
            answer = reply.json()
            outcome = _SERVED if answer["result"] == 0 else str(answer["reason"])
            seen.append((outcome, (time.perf_counter() - start) * 1000))
        return seen

    with ThreadPoolExecutor(clients) as pool:
        calls = [call for seen in pool.map(client, range(clients)) for call in seen]
    times = [ms for outcome, ms in calls if outcome == _SERVED]
    return Counter(outcome for outcome, _ in calls), times


def _command(folder: Path, *words: str) -> Any:
    """Return what a command of the server's deployment answers in JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "local_runner", *words, "--json"],
        cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE,
        env={"DATA_DIR": str(folder / "data"), "PATH": "/usr/bin"},
    )  # fmt: skip
    return json.loads(done.stdout)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clients", type=int, default=16, help="parallel clients (default 16)")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--daily", type=int, default=1500, help="the key's quota (default 1500)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "load.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
