"""What changed among the faces in SQLite."""

from pathlib import Path

import pytest

from shared.storage.local.change_log import RowChange, SqliteChangeLog
from shared.storage.local.database import Database
from tests.shared.storage.stores import Store, sqlite_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return sqlite_store(tmp_path)


@pytest.fixture
def log(tmp_path: Path) -> SqliteChangeLog:
    return SqliteChangeLog(Database(tmp_path))


def test_the_mark_moves_with_the_writes_of_others_and_stays_without(
    store: Store, log: SqliteChangeLog
) -> None:
    mark = log.mark()
    assert log.mark() == mark
    group = store.create()
    created = log.mark()
    assert created != mark
    store.add(group, 1)
    assert log.mark() != created


def test_the_mark_moves_with_the_writes_of_its_own_connection(tmp_path: Path) -> None:
    database = Database(tmp_path)
    log = SqliteChangeLog(database)
    mark = log.mark()
    with database.transaction() as connection:
        connection.execute("INSERT INTO purge (generation) VALUES ('g')")
    assert log.mark() != mark


def test_a_face_that_was_added_and_removed_is_one_change(
    store: Store, log: SqliteChangeLog
) -> None:
    group = store.create()
    first, second = store.add(group, 2)
    store.faces.remove(group, first.face_id)
    assert log.since({}, limit=10) == [
        RowChange(group.generation, second.face_id, 2, "INSERT"),
        RowChange(group.generation, first.face_id, 3, "MODIFY"),
    ]


def test_the_newest_change_of_each_group(store: Store, log: SqliteChangeLog) -> None:
    group = store.create("a")
    _, face = store.add(group, 2)
    store.create("empty")
    assert log.newest() == [RowChange(group.generation, face.face_id, 2, "INSERT")]


def test_a_deleted_group_is_a_removal_until_it_is_forgotten(
    store: Store, log: SqliteChangeLog
) -> None:
    group = store.create()
    store.add(group, 1)
    (seen,) = log.newest()
    store.groups.delete(group)
    gone = RowChange(group.generation, seen.face_id, 1, "REMOVE")
    assert log.since({group.generation: seen}, limit=10) == [gone]
    assert log.since({group.generation: seen}, limit=10, without={group.generation}) == []
    assert log.since({}, limit=10) == []


def test_more_groups_than_the_limit_come_in_turn(store: Store, log: SqliteChangeLog) -> None:
    for name in "abcde":
        store.add(store.create(name), 2)
    seen: dict[str, RowChange] = {}
    told = []
    while changes := log.since(seen, limit=2):
        assert len(changes) <= 2
        told += changes
        seen |= {change.generation: change for change in changes}
    assert len(told) == len(set(told)) == 10
