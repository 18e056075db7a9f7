"""The stream of a DynamoDB table, given to a function."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from local_runner.triggers.stream import Stream
from shared.storage.aws.streams import Shard, TableStream
from tests.local_runner.triggers.recorder import Clock, Recorder

TABLE = "FacesTable"


class Table:
    """A table, what fires for its changes, and the function that is called."""

    def __init__(self, batch_size: int = 100) -> None:
        self.dynamodb = boto3.client("dynamodb")
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "generation", "AttributeType": "S"},
                {"AttributeName": "face_id", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "generation", "KeyType": "HASH"},
                {"AttributeName": "face_id", "KeyType": "RANGE"},
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        self.called = Recorder()
        self.clock = Clock()
        self.batch_size = batch_size
        self.restart()

    def restart(self) -> None:
        """Follow the stream anew, as a new process does."""
        self.stream = Stream(
            TableStream(TABLE), self.called, batch_size=self.batch_size, clock=self.clock
        )

    def put(self, *face_ids: str) -> None:
        for face_id in face_ids:
            item = {"generation": {"S": "g"}, "face_id": {"S": face_id}, "vector": {"B": b"\0"}}
            self.dynamodb.put_item(TableName=TABLE, Item=item)

    def poll(self, *, after_s: float = 0.0) -> list[str]:
        self.clock.now += after_s
        self.stream.poll()
        return face_ids(self.called.take())


def face_ids(records: list[Mapping[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["face_id"]["S"] for record in records]


def is_of(face_id: str) -> Any:
    return lambda record: face_ids([record]) == [face_id]


@pytest.fixture
def table(aws: None) -> Table:
    return Table()


def test_changes_are_told_once_and_in_order(table: Table) -> None:
    table.put("b", "a")
    assert [table.poll(), table.poll()] == [["b", "a"], []]
    table.put("c")
    assert [table.poll(), table.poll()] == [["c"], []]


def test_an_event_is_one_of_a_stream_and_plain_json(table: Table) -> None:
    table.put("a")
    table.stream.poll()
    (event,) = table.called.events
    assert json.loads(json.dumps(event)) == event
    (record,) = event["Records"]
    assert (record["eventSource"], record["eventName"]) == ("aws:dynamodb", "INSERT")
    assert f"table/{TABLE}/stream/" in record["eventSourceARN"]
    assert record["dynamodb"]["Keys"] == {"generation": {"S": "g"}, "face_id": {"S": "a"}}
    assert set(record["dynamodb"]).isdisjoint({"NewImage", "OldImage"})


def test_a_failed_batch_is_told_again_from_its_failure_after_a_pause(table: Table) -> None:
    table.put("a", "b", "c")
    table.called.fails = is_of("b")
    assert table.poll() == ["a", "b", "c"]
    table.put("d")
    assert table.poll(after_s=1.9) == []
    assert table.poll(after_s=0.1) == ["b", "c", "d"]
    table.called.fails = lambda _record: False
    assert table.poll(after_s=3.9) == []
    assert table.poll(after_s=0.1) == ["b", "c", "d"]
    assert table.poll(after_s=1e6) == []


def test_a_batch_that_fails_at_its_first_record_is_told_again_as_a_whole(table: Table) -> None:
    table.put("a", "b")
    table.called.fails = is_of("a")
    table.poll()
    table.called.fails = lambda _record: False
    assert table.poll(after_s=2) == ["a", "b"]


def test_an_event_holds_no_more_than_a_batch(aws: None) -> None:
    table = Table(batch_size=2)
    table.put(*"abcde")
    assert [table.poll(), table.poll(), table.poll()] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_new_start_tells_of_all_that_is_left(table: Table) -> None:
    table.put("a", "b")
    table.poll()
    table.restart()
    assert table.poll() == ["a", "b"]


class Parts:
    """A stream of several shards, as tables get them when they grow; moto has only one.

    It stands in for `TableStream`: an iterator is a shard and a place in it.
    """

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.parents: dict[str, str | None] = {}
        self.closed: set[str] = set()
        self.is_expired = False

    def open(self, name: str, *records: str, parent: str | None = None) -> None:
        self.records[name] = list(records)
        self.parents[name] = parent

    def shards(self) -> list[Shard]:
        return [Shard(name, self.parents[name]) for name in sorted(self.records, reverse=True)]

    def iterator(self, shard: str, *, after: str | None) -> str:
        self.is_expired = False
        return f"{shard} {self.records[shard].index(after) + 1 if after else 0}"

    def read(self, iterator: str, limit: int) -> tuple[list[dict[str, Any]], str | None] | None:
        if self.is_expired:
            return None
        shard, start = iterator.split()
        numbers = self.records[shard][int(start) : int(start) + limit]
        end = int(start) + len(numbers)
        is_over = shard in self.closed and end == len(self.records[shard])
        records = [{"dynamodb": {"SequenceNumber": number}} for number in numbers]
        return records, None if is_over else f"{shard} {end}"


@pytest.fixture
def parts() -> Parts:
    return Parts()


def follow(parts: Parts, called: Recorder, polls: int) -> list[str]:
    stream = Stream(parts, called, batch_size=2, clock=Clock())
    for _ in range(polls):
        stream.poll()
    return [record["dynamodb"]["SequenceNumber"] for record in called.take()]


def test_a_shard_is_read_after_its_parent(parts: Parts) -> None:
    parts.open("0", "1", "2", "3")
    parts.open("1", "4", parent="0")
    parts.open("2", "5", "6", parent="1")
    parts.closed |= {"0", "1"}
    assert follow(parts, Recorder(), polls=6) == ["1", "2", "3", "4", "5", "6"]


def test_a_shard_is_not_read_while_its_parent_is_not_done(parts: Parts) -> None:
    parts.open("0", "1")
    parts.open("1", "2", parent="0")
    parts.closed.add("0")
    called = Recorder()
    called.fails = lambda record: record["dynamodb"]["SequenceNumber"] == "1"
    assert follow(parts, called, polls=5) == ["1"]


def test_a_shard_whose_parent_is_gone_is_read(parts: Parts) -> None:
    parts.open("1", "2", parent="0")
    assert follow(parts, Recorder(), polls=2) == ["2"]


def test_a_shard_that_opens_later_is_found(parts: Parts) -> None:
    parts.open("0", "1")
    called = Recorder()
    stream = Stream(parts, called, batch_size=2, clock=Clock())
    stream.poll()
    parts.open("1", "2", parent="0")
    parts.closed.add("0")
    for _ in range(3):
        stream.poll()
    assert len(called.events) == 2


def test_an_iterator_that_is_too_old_is_renewed_where_it_stood(parts: Parts) -> None:
    parts.open("0", "1", "2", "3")
    called = Recorder()
    stream = Stream(parts, called, batch_size=2, clock=Clock())
    stream.poll()
    parts.is_expired = True
    for _ in range(2):
        stream.poll()
    assert [r["dynamodb"]["SequenceNumber"] for r in called.take()] == ["1", "2", "3"]
