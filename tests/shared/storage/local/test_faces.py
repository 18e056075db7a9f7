"""SQLite beyond the contract: concurrent processes, crashes, locks, and shredding."""

import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared.config import ROOT
from shared.core.errors import FaceError, StoreUnavailableError
from shared.storage.local.database import Database
from shared.storage.local.faces import SqliteFaces
from shared.storage.local.groups import SqliteGroups
from tests.shared.storage.local.churn import CAPACITY, churn_together
from tests.shared.storage.stores import (
    Store,
    assert_exact,
    new_face,
    sqlite_store,
)


def test_concurrent_processes_keep_the_counts_exact(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    context = multiprocessing.get_context("spawn")
    start, most_faces_seen = context.Barrier(4), context.SimpleQueue()
    processes = [
        context.Process(target=churn_together, args=(tmp_path, seed, start, most_faces_seen))
        for seed in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert max(most_faces_seen.get() for _ in processes) == CAPACITY
    assert_exact(store, group)


def test_a_killed_process_leaves_exact_counts(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    reported: set[str] = set()
    for round_ in range(4):
        reported |= lines_of_a_killed_process(tmp_path, after_lines=5 + 23 * round_)
        assert_exact(store, group)
    gone = {line[1:] for line in reported if line.startswith("-")}
    added = {line[1:] for line in reported if line.startswith("+")}
    living = {face.face_id for face in store.listed(group)}
    assert gone.isdisjoint(living)
    assert len(added - gone - living) <= 4  # each round may store one removal and not report it


def lines_of_a_killed_process(folder: Path, after_lines: int) -> set[str]:
    """Kill a process after `after_lines` lines of its output; return all of its lines."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.shared.storage.local.churn", str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(after_lines)]
        process.kill()
        lines += process.stdout.readlines()
    return {line.strip() for line in lines if line.endswith("\n")}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the write lock, as another process would."""
    with closing(sqlite3.connect(folder / "face.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_locked_database_is_unavailable_to_writers_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path, busy_timeout_s=0.05)
    store = Store(SqliteGroups(database), SqliteFaces(database))
    group = store.create()
    (face,) = store.add(group, 1)
    before = store.groups.get("t", "g")
    with locked(tmp_path):
        for write in (
            lambda: store.create("other"),
            lambda: store.groups.delete(group),
            lambda: store.add(group, 2),
            lambda: store.faces.remove(group, face.face_id),
            lambda: store.faces.purge(10),
        ):
            with pytest.raises(StoreUnavailableError):
                write()
        assert store.listed(group) == [store.faces.get_many(group, [face.face_id])[face.face_id]]
    assert store.groups.list_page("t", after=None, limit=9) == (before,)
    assert_exact(store, group)


def test_waits_for_another_writer(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path):
            waiting = pool.submit(store.add, group, 2)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert len(waiting.result()) == 2
    assert_exact(store, group)


def test_a_reader_of_changes_does_not_block_writers(tmp_path: Path) -> None:
    database = Database(tmp_path, busy_timeout_s=0.05)
    store = Store(SqliteGroups(database), SqliteFaces(database))
    group = store.create()
    store.add(group, 3)
    reading = store.faces.changes(group, after=0)
    next(reading)
    other = sqlite_store(tmp_path)
    other.add(group, 1)
    store.add(group, 1)
    database.checkpoint()
    assert wal_size(tmp_path) == 0
    assert [change.number for change in reading] == [2, 3, 4, 5]


def test_an_error_inside_an_addition_writes_nothing(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    taken = new_face()
    store.faces.add(group, [taken], capacity=9)
    with pytest.raises(sqlite3.IntegrityError):
        store.faces.add(group, [new_face(), taken], capacity=9)
    assert store.groups.get("t", "g").face_count == 1
    assert_exact(store, group)
    store.add(group, 1)  # the connection is of use again
    assert_exact(store, group)


def test_faces_survive_a_new_process(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    store.add(group, 3)
    again = sqlite_store(tmp_path)
    assert again.listed(group) == store.listed(group)
    assert again.groups.get("t", "g").face_count == 3


def test_a_deleted_group_leaves_neither_key_nor_face_in_any_file(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    groups = [store.create(f"g-{number}") for number in range(8)]
    faces = {group.group_id: store.add(group, 5) for group in groups}
    kept, *doomed = groups
    shredded = [face for group in doomed for face in faces[group.group_id]]
    assert all(group.wrapped_key in everything_in(tmp_path) for group in groups)
    for group in doomed:
        store.groups.delete(group)
    while store.faces.purge(7):
        pass
    left = everything_in(tmp_path)
    assert kept.wrapped_key in left
    assert not any(group.wrapped_key in left for group in doomed)
    assert not any(face.sealed_vector in left for face in shredded)
    assert not any(face.face_id.encode() in left for face in shredded)
    assert_exact(store, kept)


def test_a_removed_face_leaves_no_vector_and_no_label_in_any_file(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    face = new_face("label-of-someone")
    store.faces.add(group, [new_face(), face, new_face()], capacity=9)
    store.faces.remove(group, face.face_id)
    Database(tmp_path).checkpoint()
    left = everything_in(tmp_path)
    for content in (face.sealed_vector, b"label-of-someone", face.image_id.encode()):
        assert content not in left


def test_an_interrupted_purge_continues_where_it_stopped(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    group = store.create()
    for _ in range(6):
        store.add(group, 200)
    store.groups.delete(group)
    assert store.faces.purge(700) == 700
    assert sqlite_store(tmp_path).faces.purge(10_000) == 500
    assert store.faces.purge(10_000) == 0


def test_errors_of_the_database_itself_are_not_hidden(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with pytest.raises(sqlite3.OperationalError) as raised:
        database.read("SELECT nothing FROM nowhere")
    assert not isinstance(raised.value, FaceError)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def wal_size(folder: Path) -> int:
    return (folder / "face.db-wal").stat().st_size
