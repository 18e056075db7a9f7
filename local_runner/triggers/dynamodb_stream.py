"""Invokes a function with the stream of a DynamoDB table.

Source: "Reading and processing a stream" of the DynamoDB guide, "Using Lambda with DynamoDB" of the
Lambda guide.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3

from local_runner.functions import Invoke
from local_runner.triggers import events
from local_runner.triggers.delivery import Backoff, deliver_in_order, identifier
from shared.storage.aws import config

_MAX_RECORDS = 1000  # per call, a limit of DynamoDB


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a stream. The records of its parent are older than its own."""

    identity: str
    parent: str | None


class TableStream:
    """Reads records in the form that Lambda gives to functions, except for binary values."""

    def __init__(self, table: str) -> None:
        """Take the name of a table."""
        self._table = table
        self._dynamodb = boto3.client("dynamodb", config=config.STREAMS)
        self._streams = boto3.client("dynamodbstreams", config=config.STREAMS)

    @cached_property
    def arn(self) -> str:
        """The ARN of the stream.

        Raises:
            BotoCoreError: DynamoDB cannot be reached.
            ClientError: DynamoDB refuses the call.
            KeyError: the table has no stream.

        """
        arn: str = self._dynamodb.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        return arn

    def shards(self) -> list[Shard]:
        """Return all shards that are left of the last day."""
        found: list[Shard] = []
        start: dict[str, str] = {}
        while True:
            page = self._streams.describe_stream(StreamArn=self.arn, **start)["StreamDescription"]
            found += [
                Shard(shard["ShardId"], shard.get("ParentShardId")) for shard in page["Shards"]
            ]
            if "LastEvaluatedShardId" not in page:
                return found
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def iterator(self, shard: str, *, after: str | None) -> str:
        """Return an iterator that starts after a sequence number, or at the oldest record.

        If records after the number have been trimmed, it starts at the oldest record, too.
        """
        oldest = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is None:
            return self._iterator(shard, oldest)
        start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        try:
            return self._iterator(shard, start)
        except self._streams.exceptions.TrimmedDataAccessException:
            return self._iterator(shard, oldest)

    def read(self, iterator: str, limit: int) -> tuple[list[events.Record], str | None] | None:
        """Return up to `limit` records and the next iterator, which is None at the shard's end.

        Returns:
            None if the iterator is older than 15 minutes, when it expires.

        """
        exceptions = self._streams.exceptions
        try:
            answer = self._streams.get_records(
                ShardIterator=iterator, Limit=min(limit, _MAX_RECORDS)
            )
        except (exceptions.ExpiredIteratorException, exceptions.TrimmedDataAccessException):
            return None
        return list(map(self._record, answer["Records"])), answer.get("NextShardIterator")

    def _iterator(self, shard: str, start: dict[str, str]) -> str:
        answer = self._streams.get_shard_iterator(StreamArn=self.arn, ShardId=shard, **start)
        iterator: str = answer["ShardIterator"]
        return iterator

    def _record(self, record: dict[str, Any]) -> events.Record:
        created_at = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
        change = {**record["dynamodb"], "ApproximateCreationDateTime": created_at}
        return {**record, "eventSourceARN": self.arn, "dynamodb": change}


@dataclass(slots=True)
class _Position:
    """The position in a shard: at `iterator`, or after `seen` if there is no iterator."""

    shard: Shard
    iterator: str | None = None
    seen: str | None = None
    backoff: Backoff = field(default_factory=Backoff)
    is_at_end: bool = False


@dataclass
class StreamPoller:
    """Delivers the records of each shard in order, and those of a shard after its parent's.

    A batch is retried from its first failed record. Positions are kept in memory only: after a
    restart, everything left of the last day is delivered again.
    """

    stream: TableStream
    invoke: Invoke
    batch_size: int
    clock: Callable[[], float] = time.monotonic
    _positions: dict[str, _Position] = field(init=False, default_factory=dict)

    def poll(self) -> bool:
        """Invoke the function once for each shard that has records."""
        if all(position.is_at_end for position in self._positions.values()):
            self._list_shards()
        now = self.clock()
        ready = [
            position
            for position in self._positions.values()
            if not position.is_at_end
            and position.backoff.due_at <= now
            and self._is_next(position.shard)
        ]
        counts = [self._read(position) for position in ready]
        if any(position.is_at_end for position in ready):  # its children are open by now
            self._list_shards()
        return any(count > self.batch_size // 2 for count in counts)

    def _list_shards(self) -> None:
        """Add new shards, and forget those that are gone."""
        self._positions = {
            shard.identity: self._positions.get(shard.identity) or _Position(shard)
            for shard in self.stream.shards()
        }

    def _is_next(self, shard: Shard) -> bool:
        parent = self._positions.get(shard.parent) if shard.parent else None
        return parent is None or parent.is_at_end

    def _read(self, position: _Position) -> int:
        """Deliver the next records of a shard; return how many there were."""
        if position.iterator is None:
            position.iterator = self.stream.iterator(position.shard.identity, after=position.seen)
        answer = self.stream.read(position.iterator, self.batch_size)
        if answer is None:
            position.iterator = None
            return 0
        records, position.iterator = answer
        if records and not self._deliver(position, records):
            position.iterator = None
        else:
            position.is_at_end = position.iterator is None
        return len(records)

    def _deliver(self, position: _Position, records: list[events.Record]) -> bool:
        """Deliver records and move the position; return whether all were processed."""
        done = deliver_in_order(self.invoke, records)
        if done:
            position.seen = identifier(records[done - 1])
        if done == len(records):
            position.backoff = Backoff()
            return True
        position.backoff.postpone(self.clock())
        return False
