"""Processes killed with SIGKILL at random points, and an exact account of what is there afterwards.

The points are drawn by seed: some by time, some as soon as a file is there that is one step of the
work, as an output whose receipt is still to come.
"""

import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from harness import dropped_files
from harness.command_line import Process, started
from harness.dropped_files import Dropper
from harness.enrolment import Enrolment
from harness.processes import TIMEOUT_S, of_session, wait_for
from harness.server import running
from shared.app import App
from shared.core.recognition import groups
from shared.core.recognition.faces import CAPACITY
from shared.core.recognition.models import Manifest
from shared.core.recognition.snapshots import (
    generation_of,
    manifest_key,
    part_key,
    version_of,
)
from shared.core.uploads.processing import QUARANTINE
from shared.storage.local.blobs import FileBlobs
from shared.storage.local.database import Database
from tests.e2e.index_processes import GROUP, TENANT, open_app, the_group
from tests.shared.storage.stores import Store, assert_exact, sqlite_store

_LOOK_S = 0.0005  # between two looks for a moment that is short


def chance_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a story that can be told again


def happens(look: Callable[[], object], *, within_s: float) -> None:
    """Wait until a look finds anything, or for so long."""
    end = time.monotonic() + within_s
    while not look() and time.monotonic() < end:
        time.sleep(_LOOK_S)


@pytest.fixture(scope="module", autouse=True)
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """What forks builders of snapshots; it compiles while the first tests run."""
    folder = tmp_path_factory.mktemp("processes")
    module = "tests.e2e.index_processes"
    with started(folder, "-m", module, NUMBA_THREADING_LAYER="workqueue") as process:
        yield process


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_uploads_survive_workers_that_are_killed(tmp_path: Path, seed: int) -> None:
    chance = chance_of(seed)
    dropper = Dropper(tmp_path / "data", chance)
    for number in range(16):
        drop = dropper.drop_broken if number % 5 == 4 else dropper.drop_photo
        drop(f"{number % 3}/{number}.jpg")
    for round_ in range(chance.randint(1, 2)):
        dropper.drop_photo(f"{round_}.jpg")  # so that there is some work in each round
        kill_a_worker(dropper, tmp_path, chance)
        for key in chance.sample(dropper.left(), min(2, len(dropper.left()))):
            chance.choice((dropper.drop_photo, dropper.drop_broken))(key)
    dropper.drop_photo("last.jpg")
    with started(tmp_path, "-m", "local_runner", "work") as worker:
        wait_for(lambda: not dropper.left())
        worker.popen.terminate()
        assert worker.popen.wait(TIMEOUT_S) == 0
    assert dropped_files.faults(dropper) == []


def kill_a_worker(dropper: Dropper, folder: Path, chance: random.Random) -> None:
    with started(folder, "-m", "local_runner", "work") as worker:
        some = chance.choice(dropper.left())
        happens(moment_of_upload(dropper.data, some, chance), within_s=10)
        worker.popen.kill()


def moment_of_upload(data: Path, key: str, chance: random.Random) -> Callable[[], object]:
    """Return what tells of a moment in the work on a key."""
    outbox, taken = data / "outbox", data / "inbox" / ".taken"
    end = time.monotonic() + chance.uniform(1.0, 2.5)  # a worker takes a second to start
    moments: list[Callable[[], object]] = [
        lambda: time.monotonic() > end,
        lambda: any((outbox / ".partial").glob("*")),
        lambda: any(names for _, _, names in os.walk(taken)),
        (outbox / key).exists,
        (outbox / f"{key}.json").exists,
        (outbox / QUARANTINE / "files").exists,
    ]
    return chance.choice(moments)


@pytest.mark.parametrize("seed", [1, 2])
def test_enrolment_survives_servers_that_are_killed(tmp_path: Path, seed: int) -> None:
    chance = chance_of(seed)
    with running("serve", tmp_path, LOCAL_KEY="k", WORKERS="2") as server:
        enrolment, end = Enrolment(server.url, "k"), Event()
        enrolment.create()
        kills = sorted(chance.sample(range(2, 36), 3))
        with ThreadPoolExecutor(5) as pool:
            searching = pool.submit(enrolment.search, end, seed)
            numbers = [range(start, 40, 4) for start in range(4)]
            enrolling = [pool.submit(enrolment.enrol, some) for some in numbers]
            for kill in kills:
                happens(partial(has, enrolment.acknowledged, kill), within_s=60)
                time.sleep(chance.uniform(0, 0.05))  # somewhere in the next calls
                servers = {*of_session(server.process.pid, "serve")} - {server.process.pid}
                os.kill(chance.choice(sorted(servers)), signal.SIGKILL)
            wait(enrolling)
            end.set()
        for future in (searching, *enrolling):
            future.result()
        assert sorted(enrolment.acknowledged.values()) == list(range(40))
        assert enrolment.faults() == []
        assert not enrolment.refused


def has(found: Sized, least: int) -> bool:
    return len(found) >= least


def is_at_most(count: Callable[[], int], most: int) -> bool:
    return count() <= most


# The command `clean-up`, in two hours' time: what is young, it leaves.
_CLEAN_UP = """
import time
from functions.events.clean_up import handler
from local_runner.functions import Context
from shared.config import Settings
from harness import builders
app = builders.app_with(Settings.from_environment(), clock=lambda: time.time() + 7200)
handler({}, Context("CleanUpFunction", "r"), app)
"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_clean_up_that_is_killed_is_finished_by_the_next(tmp_path: Path, seed: int) -> None:
    chance, data = chance_of(seed), tmp_path / "data"
    store, database, snapshots = sqlite_store(data), Database(data), FileBlobs(data / "snapshots")
    kept, *gone = [store.create(name) for name in ("kept", "gone", "also-gone")]
    for group in (kept, *gone):
        store.add(group, 1500)
        manifest = Manifest(version="v2", last_change=1500, faces=1500)
        snapshots.put(manifest_key(group.generation), manifest.to_json())
        for version, part in itertools.product(("v1", "v2"), range(10)):
            snapshots.put(part_key(group.generation, version, str(part)), b"x")
    faces = store.listed(kept, page=2000)
    for group in gone:
        store.groups.delete(group)

    def left() -> int:
        (rows,) = database.read("SELECT COUNT(*) FROM face")
        return int(rows[0]) + len(list(snapshots.list()))

    at_last = 1500 + 1 + 10
    for most in sorted(chance.sample(range(at_last, left()), 2), reverse=True):
        with started(tmp_path, "-c", _CLEAN_UP) as clean_up:
            happens(partial(is_at_most, left, most), within_s=30)
            clean_up.popen.kill()
    with started(tmp_path, "-c", _CLEAN_UP) as clean_up:
        assert clean_up.popen.wait(TIMEOUT_S) == 0
    assert left() == at_last
    assert database.read("SELECT * FROM purge") == []
    assert {(generation_of(i.key), version_of(i.key)) for i in snapshots.list()} == {
        (kept.generation, None),
        (kept.generation, "v2"),
    }
    assert store.listed(kept, page=2000) == faces
    assert_exact(store, kept)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_index_survives_builders_that_are_killed(
    tmp_path: Path, processes: Process, seed: int
) -> None:
    chance, app = chance_of(seed), open_app(tmp_path)
    groups.create(app.groups, app.sealer, tenant=TENANT, group_id=GROUP, model_version="m")
    wait_for(lambda: processes.said("ready"))
    told = tmp_path / "told"
    changing = fork(processes, "change", tmp_path, seed)
    wait_for(lambda: told.exists() and "\n-" in told.read_text())
    versions = set()
    for round_ in range(8):
        builder = fork(processes, "build", tmp_path, seed)
        happens(moment_of_build(app, tmp_path / "snapshots", round_, chance), within_s=TIMEOUT_S)
        os.kill(builder, signal.SIGKILL)
        versions.add(whole_version_in_force(app))
    os.kill(changing, signal.SIGKILL)
    assert len(versions) > 2
    fork(processes, "search", tmp_path, seed)
    wait_for((tmp_path / "found.json").exists)
    found = json.loads((tmp_path / "found.json").read_text())
    stored = {f.face_id for f in app.faces.list_page(the_group(app), before=None, limit=CAPACITY)}
    assert sorted(found["found"]) == sorted(stored)
    assert found["taken_for"] == {face_id: face_id for face_id in stored}
    signs: dict[str, str] = {}
    for line in told.read_text().split():
        signs[line[1:]] = line[0]
    assert {face_id for face_id, sign in signs.items() if sign == "+"} <= stored
    assert stored.isdisjoint(face_id for face_id, sign in signs.items() if sign == "-")
    assert_exact(Store(app.groups, app.faces), the_group(app))
    assert not processes.said("Traceback")


def version_in_force(app: App) -> str | None:
    manifest = app.snapshot_store.manifest(the_group(app))
    return None if manifest is None else manifest.version


def whole_version_in_force(app: App) -> str | None:
    group = the_group(app)
    if (manifest := app.snapshot_store.manifest(group)) is None:
        return None
    for part in ("vectors", "graph"):
        key = part_key(group.generation, manifest.version, part)
        assert app.sealer.open_blob(group, key, app.snapshots.get(key).data)
    return manifest.version


def moment_of_build(
    app: App, blobs: Path, round_: int, chance: random.Random
) -> Callable[[], object]:
    """Return what tells of a moment: any, during a write, or before or after a new manifest."""
    end = time.monotonic() + chance.uniform(0.2, 1.2)
    before, version = len(list(blobs.rglob("graph"))), version_in_force(app)
    moments: list[Callable[[], object]] = [
        lambda: time.monotonic() > end,
        lambda: time.monotonic() > end and any((blobs / ".partial").glob("*")),
        lambda: time.monotonic() > end and version_in_force(app) != version,
        lambda: len(list(blobs.rglob("graph"))) > before,
    ]
    return moments[round_ % len(moments)]


def fork(processes: Process, what: str, folder: Path, seed: int) -> int:
    """Let a process be forked; return its id."""
    assert processes.popen.stdin is not None
    before = forked(processes, what, folder)
    processes.popen.stdin.write(f"{what} {folder} {seed}\n")
    processes.popen.stdin.flush()
    return wait_for(lambda: forked(processes, what, folder)[len(before) :])[0]


def forked(processes: Process, what: str, folder: Path) -> list[int]:
    lines = processes.log.read_text().splitlines(keepends=True)
    words = [line.split() for line in lines if line.endswith("\n")]
    return [int(pid) for *about, pid in filter(None, words) if about == [what, str(folder)]]
