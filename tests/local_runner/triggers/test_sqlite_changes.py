"""Changes of faces in SQLite, and their delivery to a function."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import builders
from local_runner import functions
from local_runner.triggers.sqlite_changes import ChangeLog, ChangePoller, RowChange
from shared.core.recognition.models import Group
from shared.storage.local.database import Database
from tests.local_runner.triggers.recorder import Clock, Recorder
from tests.shared.storage.stores import Store, sqlite_store


class Follower:
    """The poller of a store's changes, and the function that is invoked."""

    def __init__(self, folder: Path, batch_size: int = 100) -> None:
        self.called = Recorder()
        self.clock = Clock()
        self.poller = ChangePoller(
            ChangeLog(Database(folder)),
            "FacesTable",
            self.called,
            batch_size=batch_size,
            clock=self.clock,
        )

    def poll(self, *, after_s: float = 1.0) -> list[Mapping[str, Any]]:
        """Poll until nothing is left to do; return the delivered records, in order."""
        self.clock.now += after_s
        delivered: list[Mapping[str, Any]] = []
        self.poller.poll()
        while records := self.called.take():
            delivered += records
            self.poller.poll()
        return delivered


def generations(records: list[Mapping[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["generation"]["S"] for record in records]


def face_ids(records: list[Mapping[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["face_id"]["S"] for record in records]


def is_of(group: Group) -> Any:
    return lambda record: generations([record]) == [group.generation]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return sqlite_store(tmp_path)


@pytest.fixture
def follower(store: Store, tmp_path: Path) -> Follower:
    return Follower(tmp_path)


def test_delivers_each_new_face_once_and_in_order(store: Store, follower: Follower) -> None:
    group = store.create()
    faces = store.add(group, 3)
    assert face_ids(follower.poll()) == [face.face_id for face in faces]
    assert follower.poll() == []
    (late,) = store.add(group, 1)
    assert face_ids(follower.poll()) == [late.face_id]


def test_a_record_has_the_form_of_a_stream_record(store: Store, follower: Follower) -> None:
    group = store.create()
    face, _ = store.add(group, 2)
    first, second = follower.poll()
    assert (first["eventSource"], first["eventName"]) == ("aws:dynamodb", "INSERT")
    change = first["dynamodb"]
    keys = {"generation": {"S": group.generation}, "face_id": {"S": face.face_id}}
    assert change["Keys"] == keys
    assert change["StreamViewType"] == "KEYS_ONLY"
    assert int(change["SequenceNumber"]) < int(second["dynamodb"]["SequenceNumber"])
    assert first["eventID"] != second["eventID"]


def test_a_removed_face_is_a_modified_row(store: Store, follower: Follower) -> None:
    group = store.create()
    (face,) = store.add(group, 1)
    follower.poll()
    store.faces.remove(group, face.face_id)
    (record,) = follower.poll()
    assert (record["eventName"], face_ids([record])) == ("MODIFY", [face.face_id])


@pytest.mark.parametrize("is_purged", [False, True])
def test_a_deleted_group_is_a_removed_row(
    store: Store, follower: Follower, is_purged: bool
) -> None:
    group, other = store.create("a"), store.create("b")
    store.add(group, 3)
    store.add(other, 1)
    follower.poll()
    store.groups.delete(group)
    if is_purged:
        store.faces.purge(100)
    (record,) = follower.poll()
    assert (record["eventName"], generations([record])) == ("REMOVE", [group.generation])
    assert follower.poll() == []


def test_after_a_start_delivers_the_newest_change_of_every_group(
    store: Store, tmp_path: Path
) -> None:
    group, other = store.create("a"), store.create("b")
    newest = store.add(group, 5)[-1]
    removed = store.add(other, 5)[0]
    store.faces.remove(other, removed.face_id)
    store.create("empty")
    records = Follower(tmp_path).poll()
    assert sorted(face_ids(records)) == sorted([newest.face_id, removed.face_id])


def test_an_event_holds_no_more_than_a_batch_and_groups_share_it(
    store: Store, tmp_path: Path
) -> None:
    follower = Follower(tmp_path, batch_size=10)
    many, few = store.create("a"), store.create("b")
    store.add(many, 30)
    store.add(few, 3)
    assert follower.poller.poll()
    (event,) = follower.called.events
    assert Counter(generations(event["Records"])) == {many.generation: 5, few.generation: 3}
    assert len(follower.poll()) == 33
    assert follower.poll() == []


def test_retries_a_batch_from_its_first_failure(store: Store, follower: Follower) -> None:
    group = store.create()
    ids = [face.face_id for face in store.add(group, 4)]
    follower.called.fails = lambda record: face_ids([record]) == [ids[2]]
    assert face_ids(follower.poll()) == ids
    follower.called.fails = lambda _record: False
    assert follower.poll(after_s=0.5) == []
    assert face_ids(follower.poll(after_s=1.5)) == ids[2:]
    assert follower.poll(after_s=1e6) == []


def test_a_failing_group_does_not_delay_others_and_is_retried_less_and_less_often(
    store: Store, follower: Follower
) -> None:
    bad, good = store.create("a"), store.create("b")
    store.add(bad, 1)
    store.add(good, 1)
    follower.called.fails = is_of(bad)
    assert set(generations(follower.poll())) == {bad.generation, good.generation}
    for pause_s in (2, 4, 8):
        store.add(good, 1)
        assert set(generations(follower.poll(after_s=pause_s / 2))) == {good.generation}
        assert generations(follower.poll(after_s=pause_s / 2)) == [bad.generation]
    follower.called.fails = lambda _record: False
    assert generations(follower.poll(after_s=300)) == [bad.generation]


def test_delivers_changes_made_while_the_function_runs(store: Store, follower: Follower) -> None:
    group = store.create()
    store.add(group, 1)
    late = []

    def enrol() -> None:
        follower.called.during = lambda: None
        late.extend(store.add(group, 1))

    follower.called.during = enrol
    assert face_ids(follower.poll())[-1] == late[0].face_id


def test_invokes_a_function_again_that_failed_as_a_whole(store: Store, follower: Follower) -> None:
    group = store.create()
    store.add(group, 2)
    follower.called.fails = follower.called.raises
    assert len(follower.poll()) == 2
    follower.called.fails = lambda _record: False
    assert len(follower.poll(after_s=2)) == 2


def test_a_handler_takes_the_event(store: Store, tmp_path: Path) -> None:
    app = builders.app(tmp_path)
    invoke = functions.invoker("Note", "tests.local_runner.triggers.handlers.note_change", app)
    log = ChangeLog(Database(app.settings.data_dir))
    poller = ChangePoller(log, "FacesTable", invoke, batch_size=10)
    group = store.create()
    store.add(group, 1)
    poller.poll()
    assert app.outbox.stat(f"changed/{group.generation}") is not None


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog(Database(tmp_path))


def test_the_version_changes_only_with_writes(store: Store, log: ChangeLog) -> None:
    version = log.version()
    assert log.version() == version
    group = store.create()
    created = log.version()
    assert created != version
    store.add(group, 1)
    assert log.version() != created


def test_the_version_changes_with_writes_of_the_same_connection(tmp_path: Path) -> None:
    database = Database(tmp_path)
    log = ChangeLog(database)
    version = log.version()
    with database.transaction() as connection:
        connection.execute("INSERT INTO purge (generation) VALUES ('g')")
    assert log.version() != version


def test_a_face_that_was_added_and_removed_is_one_change(store: Store, log: ChangeLog) -> None:
    group = store.create()
    first, second = store.add(group, 2)
    store.faces.remove(group, first.face_id)
    assert log.since({}, limit=10) == [
        RowChange(group.generation, second.face_id, 2, "INSERT"),
        RowChange(group.generation, first.face_id, 3, "MODIFY"),
    ]


def test_finds_the_newest_change_of_each_group(store: Store, log: ChangeLog) -> None:
    group = store.create("a")
    _, face = store.add(group, 2)
    store.create("empty")
    assert log.newest() == [RowChange(group.generation, face.face_id, 2, "INSERT")]


def test_a_deleted_group_is_a_removal_until_it_is_forgotten(store: Store, log: ChangeLog) -> None:
    group = store.create()
    store.add(group, 1)
    (seen,) = log.newest()
    store.groups.delete(group)
    gone = RowChange(group.generation, seen.face_id, 1, "REMOVE")
    assert log.since({group.generation: seen}, limit=10) == [gone]
    assert log.since({group.generation: seen}, limit=10, without={group.generation}) == []
    assert log.since({}, limit=10) == []


def test_more_groups_than_the_limit_come_in_turn(store: Store, log: ChangeLog) -> None:
    for name in "abcde":
        store.add(store.create(name), 2)
    seen: dict[str, RowChange] = {}
    found = []
    while changes := log.since(seen, limit=2):
        assert len(changes) <= 2
        found += changes
        seen |= {change.generation: change for change in changes}
    assert len(found) == len(set(found)) == 10
