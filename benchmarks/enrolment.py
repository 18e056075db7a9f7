"""Enrols faces over HTTP with parallel clients while searches run and processes are killed.

The server is a real one (`serve`, several processes and a worker for events). Its group already has
enough faces for a snapshot. Each client adds a face, and then searches for it by its photo and by
its id; other clients search for acknowledged faces without a pause. Halfway all wait until searches
use an index. Every few seconds a random process of the server is killed (SIGKILL), and once each
the worker and the whole server, which is started again with its data. At the end the group must
have every acknowledged face, under its label and found again through the index, and beyond these
only faces of calls without an answer. Needs the prepared models (`make models`). Exits with 1 if
any of this does not hold.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event

import requests
from rich.progress import Progress

from benchmarks import command
from harness import builders
from harness.enrolment import Enrolment
from harness.face_vectors import Population
from harness.processes import of_session, wait_for
from harness.server import Server, running
from harness.stored_faces import enrol
from local_runner.local_key import TENANT
from shared.app import App

_ENROLLING = 4  # clients
_KEY, _GROUP = "the-app-key-of-this-server", "people"
_INDEX_TIMEOUT_S = 900.0  # a worker compiles the code that builds indexes, and may be killed
_POLL_S = 0.05
_SEARCHES = re.compile(r'^face_functions_searches_total\{mode="(\w+)"\} (\S+)$', re.MULTILINE)


class _Site:
    """The server, which is started again after it was killed, and the number of kills."""

    def __init__(self, folder: Path, workers: int, min_faces: int, chance: random.Random) -> None:
        self.folder = folder
        self.killed: Counter[str] = Counter()
        self.searches: Counter[str] = Counter()
        self._environ = {
            "DATA_DIR": str(folder / "data"),
            "LOCAL_KEY": _KEY,
            "TRIGGERS": "on",
            "WORKERS": str(workers),
            "INDEX_MIN_FACES": str(min_faces),
            "GRAPH_MIN_FACES": str(min_faces),
        }
        self._chance = chance
        self.stack = contextlib.ExitStack()
        self._starts = 0
        self.server = self._start()

    def kill_a_server_process(self) -> None:
        """Kill a random process that answers calls."""
        leader = self.server.process.pid
        if others := sorted({*of_session(leader, "serve")} - {leader}):
            os.kill(self._chance.choice(others), signal.SIGKILL)
            self.killed["processes that answer calls"] += 1

    def kill_the_worker(self) -> None:
        """Kill the worker for events, if it runs at this moment."""
        for worker in of_session(self.server.process.pid, "--with-parent"):
            os.kill(worker, signal.SIGKILL)
            self.killed["workers for events"] += 1

    def kill_all(self) -> None:
        """Kill all processes and start the server again."""
        self.searches += self.count_searches()
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.killed["whole servers"] += 1
        self.server = self._start()

    def count_searches(self) -> Counter[str]:
        """Return the number of searches since the server's start, by their mode."""
        text = requests.get(self.server.url + "/metrics", timeout=60).text
        return Counter({mode: int(float(count)) for mode, count in _SEARCHES.findall(text)})

    def _start(self) -> Server:
        self._starts += 1
        folder = self.folder / str(self._starts)
        folder.mkdir()
        return self.stack.enter_context(running("serve", folder, **self._environ))


def main() -> int:
    """Run the command; return 1 if anything is wrong."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--faces", type=int, default=1000, help="to be enrolled")
    parser.add_argument("--others", type=int, default=2000, help="faces before")
    parser.add_argument("--searchers", type=int, default=2, help="clients that search")
    parser.add_argument("--workers", type=int, default=3, help="processes of the server")
    parser.add_argument("--every", type=float, default=5, help="seconds between kills")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - repeatable
    with tempfile.TemporaryDirectory() as name:
        site = _Site(Path(name), arguments.workers, arguments.others, chance)
        with site.stack:
            enrolment = Enrolment(site.server.url, _KEY, _GROUP)
            enrolment.create()
            others = _fill(Path(name), arguments.others)
            seconds = _load(site, enrolment, arguments)
            searches = enrolment.searches
            faults = enrolment.faults(others)
            faults += [
                f"{n} calls were refused with {code}" for code, n in enrolment.refused.items()
            ]
            if not site.count_searches()["approximate"]:
                faults.append("no search used an index")
            unacknowledged = len(enrolment.unacknowledged())
            site.searches += site.count_searches()
            snapshots = len({p.parent for p in Path(name).rglob("data/snapshots/*/*/vectors")})
    rows = {
        "faces acknowledged": len(enrolment.acknowledged),
        "faces a second": round(len(enrolment.acknowledged) / seconds, 1),
        "searches by clients until then": searches,
        "searches counted by the server, exact": site.searches["exact"],
        "searches counted by the server, through an index": site.searches["approximate"],
        "snapshots made": snapshots,
        "calls refused": sum(enrolment.refused.values()),
        "additions without an answer": len(enrolment.unanswered),
        "of which stored": unacknowledged,
        **{f"{what} killed": count for what, count in site.killed.items()},
    }
    title = f"{arguments.faces} faces by {_ENROLLING} clients, {arguments.others} before"
    return command.verdict(arguments.output, title, rows, faults)


def _fill(folder: Path, count: int) -> list[str]:
    """Store faces of other people in the group, and return their ids."""
    app = App(builders.settings(folder / "data"))
    group = app.groups.get(TENANT, _GROUP)
    return enrol(app, group, Population(people=count // 5).anyone(count))


def _load(site: _Site, enrolment: Enrolment, arguments: argparse.Namespace) -> float:
    """Enrol all faces in two halves while processes are killed; return the seconds it took.

    After each half nothing is killed until searches use an index.
    """
    half = arguments.faces // 2
    halves = range(half), range(half, arguments.faces)
    seconds = 0.0
    with Progress() as progress:
        progress.add_task("", total=arguments.faces)
        for numbers, kill in zip(halves, (site.kill_the_worker, site.kill_all), strict=True):
            progress.update(progress.task_ids[0], description="enrolling")
            seconds += _enrol(site, enrolment, numbers, kill, arguments, progress)
            progress.update(progress.task_ids[0], description="waiting for the index")
            wait_for(partial(_finds_by_index, site, enrolment), timeout_s=_INDEX_TIMEOUT_S)
    return seconds


def _finds_by_index(site: _Site, enrolment: Enrolment) -> bool:
    """Search once, and return whether any search has used an index."""
    face_id, number = next(iter(enrolment.acknowledged.items()))
    enrolment.find(face_id, number)
    return site.count_searches()["approximate"] > 0


def _enrol(
    site: _Site,
    enrolment: Enrolment,
    numbers: range,
    kill_halfway: Callable[[], None],
    arguments: argparse.Namespace,
    progress: Progress,
) -> float:
    """Enrol some faces while others are searched and processes are killed; return the seconds."""
    start = time.monotonic()
    kill_at = start + arguments.every
    halfway = len(enrolment.acknowledged) + len(numbers) // 2
    is_past_half = False
    end = Event()
    with ThreadPoolExecutor(_ENROLLING + arguments.searchers) as pool:
        searching = [
            pool.submit(enrolment.search, end, seed) for seed in range(arguments.searchers)
        ]
        shares = [numbers[client::_ENROLLING] for client in range(_ENROLLING)]
        enrolling = [pool.submit(enrolment.enrol, share) for share in shares]
        try:
            while wait(enrolling, timeout=_POLL_S).not_done:
                done = len(enrolment.acknowledged)
                progress.update(progress.task_ids[0], completed=done)
                if done >= halfway and not is_past_half:
                    is_past_half = True
                    kill_halfway()
                    enrolment.url = site.server.url
                if time.monotonic() > kill_at:
                    site.kill_a_server_process()
                    kill_at = time.monotonic() + arguments.every
            seconds = time.monotonic() - start
        finally:
            end.set()
        for future in (*enrolling, *searching):
            future.result()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
