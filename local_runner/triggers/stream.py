"""The stream of a DynamoDB table, given to a function as Lambda gives it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from local_runner.functions import Call
from local_runner.triggers import events
from local_runner.triggers.delivery import deliver, pause_s
from shared.storage.aws.streams import Shard


class ShardedStream(Protocol):
    """What `TableStream` does."""

    def shards(self) -> list[Shard]:
        """Return all shards that are left."""

    def iterator(self, shard: str, *, after: str | None) -> str:
        """Return where to read on in a shard."""

    def read(self, iterator: str, limit: int) -> tuple[list[events.Record], str | None] | None:
        """Return records and where to read on; None where the iterator is too old."""


@dataclass(slots=True)
class _Place:
    """Where a shard is read: on from `iterator`, or after `seen` where there is none."""

    shard: Shard
    iterator: str | None = None
    seen: str | None = None
    attempts: int = 0
    due_at: float = 0.0
    is_at_end: bool = False


class Stream:
    """Fires for the records of each shard in order, those of a shard after its parent's.

    A batch is given again from its first failure on. How far it came is known to this process
    alone: a new start fires all that is left of the last day.
    """

    def __init__(
        self,
        stream: ShardedStream,
        call: Call,
        *,
        batch_size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._call = call
        self._batch_size = batch_size
        self._clock = clock
        self._places: dict[str, _Place] = {}

    def poll(self) -> bool:
        """Fire one event for each shard that has records."""
        if all(place.is_at_end for place in self._places.values()):
            self._list_shards()
        now = self._clock()
        ready = [
            place
            for place in self._places.values()
            if not place.is_at_end and place.due_at <= now and self._is_next(place.shard)
        ]
        counts = [self._read(place) for place in ready]
        if any(place.is_at_end for place in ready):  # its children are open by now
            self._list_shards()
        return any(count > self._batch_size // 2 for count in counts)

    def _list_shards(self) -> None:
        """Keep the places of the shards that are left, and begin those that are new."""
        self._places = {
            shard.identity: self._places.get(shard.identity) or _Place(shard)
            for shard in self._stream.shards()
        }

    def _is_next(self, shard: Shard) -> bool:
        parent = self._places.get(shard.parent) if shard.parent else None
        return parent is None or parent.is_at_end

    def _read(self, place: _Place) -> int:
        """Fire for the next records of a shard; return how many there were."""
        if place.iterator is None:
            place.iterator = self._stream.iterator(place.shard.identity, after=place.seen)
        answer = self._stream.read(place.iterator, self._batch_size)
        if answer is None:
            place.iterator = None
            return 0
        records, place.iterator = answer
        if records and not self._fire(place, records):
            place.iterator = None
            return len(records)
        place.is_at_end = place.iterator is None
        return len(records)

    def _fire(self, place: _Place, records: list[events.Record]) -> bool:
        """Give records to the function, note how far it came, and tell whether to the end."""
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = deliver(self._call, events.batch(records), numbers)
        done = next((i for i, number in enumerate(numbers) if number in failed), len(numbers))
        if done:
            place.seen = numbers[done - 1]
        if done == len(numbers):
            place.attempts = 0
            return True
        place.attempts += 1
        place.due_at = self._clock() + pause_s(place.attempts)
        return False
