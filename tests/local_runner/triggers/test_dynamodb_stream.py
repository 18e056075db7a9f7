"""The stream of a DynamoDB table."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from local_runner.triggers.dynamodb_stream import Shard, StreamPoller, TableStream
from tests.local_runner.triggers.recorder import Clock, Recorder
from tests.shared.storage.aws.dynamo import Dynamo, Fault, running

TABLE = "FacesTable"


class Table:
    """A table, the poller of its stream, and the function that is invoked."""

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
        """Start again from nothing, as a new process does."""
        self.poller = StreamPoller(
            TableStream(TABLE), self.called, batch_size=self.batch_size, clock=self.clock
        )

    def put(self, *face_ids: str) -> None:
        for face_id in face_ids:
            item = {"generation": {"S": "g"}, "face_id": {"S": face_id}, "vector": {"B": b"\0"}}
            self.dynamodb.put_item(TableName=TABLE, Item=item)

    def poll(self, *, after_s: float = 0.0) -> list[str]:
        self.clock.now += after_s
        self.poller.poll()
        return face_ids(self.called.take())


def face_ids(records: list[Mapping[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["face_id"]["S"] for record in records]


def is_of(face_id: str) -> Any:
    return lambda record: face_ids([record]) == [face_id]


@pytest.fixture
def table(aws: None) -> Table:
    return Table()


def test_delivers_each_change_once_and_in_order(table: Table) -> None:
    table.put("b", "a")
    assert [table.poll(), table.poll()] == [["b", "a"], []]
    table.put("c")
    assert [table.poll(), table.poll()] == [["c"], []]


def test_an_event_has_the_form_of_a_stream_event_and_is_plain_json(table: Table) -> None:
    table.put("a")
    table.poller.poll()
    (event,) = table.called.events
    assert json.loads(json.dumps(event)) == event
    (record,) = event["Records"]
    assert (record["eventSource"], record["eventName"]) == ("aws:dynamodb", "INSERT")
    assert f"table/{TABLE}/stream/" in record["eventSourceARN"]
    assert record["dynamodb"]["Keys"] == {"generation": {"S": "g"}, "face_id": {"S": "a"}}
    assert set(record["dynamodb"]).isdisjoint({"NewImage", "OldImage"})


def test_retries_a_batch_from_its_first_failure_after_a_pause(table: Table) -> None:
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


def test_retries_the_whole_batch_if_its_first_record_failed(table: Table) -> None:
    table.put("a", "b")
    table.called.fails = is_of("a")
    table.poll()
    table.called.fails = lambda _record: False
    assert table.poll(after_s=2) == ["a", "b"]


def test_an_event_holds_no_more_than_a_batch(aws: None) -> None:
    table = Table(batch_size=2)
    table.put(*"abcde")
    assert [table.poll(), table.poll(), table.poll()] == [["a", "b"], ["c", "d"], ["e"]]


def test_after_a_restart_delivers_all_records_that_are_left(table: Table) -> None:
    table.put("a", "b")
    table.poll()
    table.restart()
    assert table.poll() == ["a", "b"]


class ManyShards(TableStream):
    """A stream of several shards, like that of a large table; moto has only one.

    An iterator is the name of a shard and an offset.
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
def shards() -> ManyShards:
    return ManyShards()


def follow(shards: ManyShards, called: Recorder, polls: int) -> list[str]:
    poller = StreamPoller(shards, called, batch_size=2, clock=Clock())
    for _ in range(polls):
        poller.poll()
    return [record["dynamodb"]["SequenceNumber"] for record in called.take()]


def test_a_shard_is_read_after_its_parent(shards: ManyShards) -> None:
    shards.open("0", "1", "2", "3")
    shards.open("1", "4", parent="0")
    shards.open("2", "5", "6", parent="1")
    shards.closed |= {"0", "1"}
    assert follow(shards, Recorder(), polls=6) == ["1", "2", "3", "4", "5", "6"]


def test_a_shard_waits_for_its_parent_to_end(shards: ManyShards) -> None:
    shards.open("0", "1")
    shards.open("1", "2", parent="0")
    shards.closed.add("0")
    called = Recorder()
    called.fails = lambda record: record["dynamodb"]["SequenceNumber"] == "1"
    assert follow(shards, called, polls=5) == ["1"]


def test_reads_a_shard_whose_parent_is_gone(shards: ManyShards) -> None:
    shards.open("1", "2", parent="0")
    assert follow(shards, Recorder(), polls=2) == ["2"]


def test_finds_a_shard_that_opens_later(shards: ManyShards) -> None:
    shards.open("0", "1")
    called = Recorder()
    poller = StreamPoller(shards, called, batch_size=2, clock=Clock())
    poller.poll()
    shards.open("1", "2", parent="0")
    shards.closed.add("0")
    for _ in range(3):
        poller.poll()
    assert len(called.events) == 2


def test_renews_an_expired_iterator_at_its_position(shards: ManyShards) -> None:
    shards.open("0", "1", "2", "3")
    called = Recorder()
    poller = StreamPoller(shards, called, batch_size=2, clock=Clock())
    poller.poll()
    shards.is_expired = True
    for _ in range(2):
        poller.poll()
    assert [r["dynamodb"]["SequenceNumber"] for r in called.take()] == ["1", "2", "3"]


@dataclass
class FailingStream:
    """The stream of a table with three rows, and a DynamoDB that can fail."""

    stream: TableStream
    dynamo: Dynamo

    def fail(self, operation: str, code: str) -> None:
        self.dynamo.transport.fail(Fault(operation, code=code), times=1)

    def read(self, iterator: str) -> list[str]:
        answer = self.stream.read(iterator, 10)
        assert answer is not None
        return [record["dynamodb"]["SequenceNumber"] for record in answer[0]]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingStream]:
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # or moto misses streams
    with running() as dynamo:
        client: Any = boto3.client("dynamodb")
        client.create_table(
            TableName="T",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        for key in "abc":
            client.put_item(TableName="T", Item={"k": {"S": key}})
        yield FailingStream(TableStream("T"), dynamo)


def test_reads_from_the_oldest_record_or_after_a_given_one(failing: FailingStream) -> None:
    (shard,) = failing.stream.shards()
    first, second, third = failing.read(failing.stream.iterator(shard.identity, after=None))
    assert failing.read(failing.stream.iterator(shard.identity, after=first)) == [second, third]


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "TrimmedDataAccessException"])
def test_an_expired_iterator_is_not_an_error(failing: FailingStream, code: str) -> None:
    (shard,) = failing.stream.shards()
    iterator = failing.stream.iterator(shard.identity, after=None)
    failing.fail("GetRecords", code)
    assert failing.stream.read(iterator, 10) is None


def test_starts_with_the_oldest_record_if_those_after_the_given_one_were_trimmed(
    failing: FailingStream,
) -> None:
    (shard,) = failing.stream.shards()
    numbers = failing.read(failing.stream.iterator(shard.identity, after=None))
    failing.fail("GetShardIterator", "TrimmedDataAccessException")
    assert failing.read(failing.stream.iterator(shard.identity, after=numbers[1])) == numbers
