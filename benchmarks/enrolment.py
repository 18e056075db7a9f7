"""Enrols faces over HTTP by parallel clients while searches run and processes are killed.

The server is a real one (`serve`, several processes and a worker for events). Its group has faces
already, enough for a snapshot. Each client adds a face, and at once looks for it by its photo and
by its id; other clients look for faces that were acknowledged before, without a pause. Half way all
wait until searches go through an index. Every few seconds a random process of the server is
killed (SIGKILL), and once each the worker and the whole server, which starts again on its data. At
the end the group must have every face that was acknowledged, under its label and found again
through the index, and no other but those of calls that had no answer. Needs the prepared models
(`make models`). Exits with 1 where one of this does not hold.
"""

import argparse
import contextlib
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event

import requests
from rich.progress import Progress
from rich.table import Table

from benchmarks import measure
from local_runner.local_key import TENANT
from shared.app import App
from tests import builders
from tests.e2e.enrolment import Enrolment
from tests.e2e.server import Server, running
from tests.face_vectors import Population
from tests.processes import of_session, wait_for
from tests.shared.index.enrol import enrol

_CLIENTS = 4  # that enrol
_KEY, _GROUP = "the-app-key-of-this-server", "people"
_INDEX_TIMEOUT_S = 900.0  # a worker compiles what builds indexes, and may be killed meanwhile
_LOOK_S = 0.05
_SEARCHES = re.compile(r'^face_functions_searches_total\{mode="(\w+)"\} (\S+)$', re.MULTILINE)


class _Site:
    """The server, started again where all of it was killed, and the account of kills."""

    def __init__(self, folder: Path, workers: int, least: int, chance: random.Random) -> None:
        self.folder = folder
        self.killed: Counter[str] = Counter()
        self.searches: Counter[str] = Counter()
        self._environ = {
            "DATA_DIR": str(folder / "data"),
            "LOCAL_KEY": _KEY,
            "TRIGGERS": "on",
            "WORKERS": str(workers),
            "INDEX_MIN_FACES": str(least),
            "GRAPH_MIN_FACES": str(least),
        }
        self._chance = chance
        self._stack = contextlib.ExitStack()
        self._starts = 0
        self.server = self._start()

    def kill_a_server_process(self) -> None:
        """Kill one of those that answer calls."""
        leader = self.server.process.pid
        if others := sorted({*of_session(leader, "serve")} - {leader}):
            os.kill(self._chance.choice(others), signal.SIGKILL)
            self.killed["processes that answer calls"] += 1

    def kill_the_worker(self) -> None:
        """Kill the one that fires events, if it is there at this moment."""
        for worker in of_session(self.server.process.pid, "--with-parent"):
            os.kill(worker, signal.SIGKILL)
            self.killed["workers for events"] += 1

    def kill_all(self) -> None:
        """Kill all processes, and start the server again."""
        self.searches += self.count_searches()
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.killed["whole servers"] += 1
        self.server = self._start()

    def count_searches(self) -> Counter[str]:
        """Return what the server counted since its start, by the way of searching."""
        text = requests.get(self.server.url + "/metrics", timeout=60).text
        return Counter({mode: int(float(count)) for mode, count in _SEARCHES.findall(text)})

    def close(self) -> None:
        """Kill what runs."""
        self._stack.close()

    def _start(self) -> Server:
        self._starts += 1
        folder = self.folder / str(self._starts)
        folder.mkdir()
        return self._stack.enter_context(running("serve", folder, **self._environ))


def main() -> int:
    """Run the command; return 1 when the account is wrong."""
    arguments = _arguments()
    chance = random.Random(arguments.seed)  # noqa: S311 - a story that can be told again
    with tempfile.TemporaryDirectory() as name:
        site = _Site(Path(name), arguments.workers, arguments.others, chance)
        with contextlib.closing(site):
            enrolment = Enrolment(site.server.url, _KEY, _GROUP)
            enrolment.create()
            others = _fill(Path(name), arguments.others)
            seconds = _load(site, enrolment, arguments)
            searches = enrolment.searches
            faults = _faults(site, enrolment, others)
            unacknowledged = len(enrolment.unacknowledged())
            site.searches += site.count_searches()
            snapshots = len({p.parent for p in Path(name).rglob("data/snapshots/*/*/vectors")})
    rows = {
        "faces acknowledged": len(enrolment.acknowledged),
        "faces a second": round(len(enrolment.acknowledged) / seconds, 1),
        "searches that clients made meanwhile": searches,
        "searches of the server since its starts, exact": site.searches["exact"],
        "searches of the server since its starts, through an index": site.searches["approximate"],
        "snapshots made": snapshots,
        "calls refused": sum(enrolment.refused.values()),
        "additions without an answer": len(enrolment.unanswered),
        "of which stored": unacknowledged,
        **{f"{who} killed": count for who, count in site.killed.items()},
    }
    title = f"{arguments.faces} faces by {_CLIENTS} clients, {arguments.others} before"
    table = Table("what", "", title=title)
    for what, value in rows.items():
        table.add_row(what, str(value))
    table.add_row("account", "exact" if not faults else f"WRONG: {len(faults)} faults")
    measure.show(table)
    for fault in faults:
        print(fault, file=sys.stderr)
    measure.write({**rows, "refused": enrolment.refused, "faults": faults}, arguments.output)
    return 1 if faults else 0


def _fill(folder: Path, count: int) -> list[str]:
    """Add faces of other people to the group, as if they had been enrolled; return their ids."""
    app = App(builders.settings(folder / "data"))
    group = app.groups.get(TENANT, _GROUP)
    return enrol(app, group, Population(people=count // 5).anyone(count))


def _load(site: _Site, enrolment: Enrolment, arguments: argparse.Namespace) -> float:
    """Enrol all faces in two halves while processes are killed; return how many seconds it took.

    After each half nothing is killed until searches go through an index.
    """
    half = arguments.faces // 2
    halves = range(half), range(half, arguments.faces)
    seconds = 0.0
    with measure.progress("enrolling", arguments.faces) as progress:
        for numbers, kill in zip(halves, (site.kill_the_worker, site.kill_all), strict=True):
            progress.update(progress.task_ids[0], description="enrolling")
            with _searching(enrolment, arguments.searchers):
                seconds += _enrol(site, enrolment, numbers, kill, arguments.every, progress)
            progress.update(progress.task_ids[0], description="waiting for the index")
            wait_for(partial(_finds_by_index, site, enrolment), timeout_s=_INDEX_TIMEOUT_S)
    return seconds


@contextlib.contextmanager
def _searching(enrolment: Enrolment, clients: int) -> Iterator[None]:
    """Let clients search without a pause until the block ends."""
    end = Event()
    with ThreadPoolExecutor(clients) as pool:
        searching = [pool.submit(enrolment.search, end, seed) for seed in range(clients)]
        try:
            yield
        finally:
            end.set()
        for future in searching:
            future.result()


def _finds_by_index(site: _Site, enrolment: Enrolment) -> bool:
    """Search once, and tell whether a search went through an index by now."""
    face_id, number = next(iter(enrolment.acknowledged.items()))
    enrolment.find(face_id, number)
    return site.count_searches()["approximate"] > 0


def _enrol(
    site: _Site,
    enrolment: Enrolment,
    numbers: range,
    kill_half_way: Callable[[], None],
    every_s: float,
    progress: Progress,
) -> float:
    """Enrol some faces while processes are killed; return how many seconds it took."""
    start = time.monotonic()
    kill_at = start + every_s
    half_way = len(enrolment.acknowledged) + len(numbers) // 2
    is_past_half = False
    with ThreadPoolExecutor(_CLIENTS) as pool:
        shares = [numbers[client::_CLIENTS] for client in range(_CLIENTS)]
        enrolling = [pool.submit(enrolment.enrol, share) for share in shares]
        while wait(enrolling, timeout=_LOOK_S).not_done:
            done = len(enrolment.acknowledged)
            progress.update(progress.task_ids[0], completed=done)
            if done >= half_way and not is_past_half:
                is_past_half = True
                kill_half_way()
                enrolment.url = site.server.url
            if time.monotonic() > kill_at:
                site.kill_a_server_process()
                kill_at = time.monotonic() + every_s
        for future in enrolling:
            future.result()
    progress.update(progress.task_ids[0], completed=len(enrolment.acknowledged))
    return time.monotonic() - start


def _faults(site: _Site, enrolment: Enrolment, others: Iterable[str]) -> list[str]:
    """Return all that is wrong at the end."""
    faults = enrolment.faults(others)
    faults += [
        f"{count} calls were refused with {code}" for code, count in enrolment.refused.items()
    ]
    if not site.count_searches()["approximate"]:
        faults.append("no search went through an index")
    return faults


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.enrolment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faces", type=int, default=1000, help="to be enrolled (default 1000)")
    parser.add_argument("--others", type=int, default=2000, help="faces before (default 2000)")
    parser.add_argument("--searchers", type=int, default=2, help="clients (default 2)")
    parser.add_argument("--workers", type=int, default=3, help="processes (default 3)")
    parser.add_argument("--every", type=float, default=5, help="seconds between kills (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn (default 1)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "enrolment.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
