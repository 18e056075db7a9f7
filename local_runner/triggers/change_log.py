"""The change log of the local store, told to a function as the stream of the faces table."""

import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from local_runner.functions import Call
from local_runner.triggers import events
from local_runner.triggers.delivery import deliver, pause_s
from shared.storage.local.change_log import RowChange, SqliteChangeLog


@dataclass(frozen=True, slots=True)
class _Failure:
    attempts: int
    due_at: float


class ChangeLog:
    """Fires for what changed, in the order of each generation.

    How far it came is known to this process alone: a new start fires the newest change of every
    group again. After a failure its generation waits, longer each time, and the others go on.
    """

    def __init__(
        self,
        log: SqliteChangeLog,
        table: str,
        call: Call,
        *,
        batch_size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._table = table
        self._call = call
        self._batch_size = batch_size
        self._clock = clock
        self._seen = {
            change.generation: replace(change, number=change.number - 1) for change in log.newest()
        }
        self._mark: tuple[int, int] | None = None  # where nothing was left to fire
        self._failures: dict[str, _Failure] = {}

    def poll(self) -> bool:
        """Fire one event for what changed, if anything did."""
        mark = self._log.mark()
        if mark == self._mark:
            return False
        now = self._clock()
        waiting = {name for name, failure in self._failures.items() if failure.due_at > now}
        changes = self._log.since(self._seen, limit=self._batch_size, without=waiting)
        if changes:
            self._fire(changes)
        elif not waiting:
            self._mark = mark
        return len(changes) > self._batch_size // 2

    def _fire(self, changes: list[RowChange]) -> None:
        numbers = [_sequence_number(change) for change in changes]
        failed = deliver(self._call, events.batch(map(self._record, changes, numbers)), numbers)
        done = next((i for i, number in enumerate(numbers) if number in failed), len(changes))
        for change in changes[:done]:
            self._update_counts(change)
        if done < len(changes):
            self._put_off(changes[done].generation)

    def _record(self, change: RowChange, sequence_number: str) -> events.Record:
        name = f"{change.generation}/{change.number}/{change.kind}"
        return events.change(
            identity=uuid.uuid5(uuid.NAMESPACE_OID, name).hex,
            kind=change.kind,
            generation=change.generation,
            face_id=change.face_id,
            sequence_number=sequence_number,
            table=self._table,
        )

    def _update_counts(self, change: RowChange) -> None:
        self._failures.pop(change.generation, None)
        if change.kind == "REMOVE":
            del self._seen[change.generation]
        else:
            self._seen[change.generation] = change

    def _put_off(self, generation: str) -> None:
        earlier = self._failures.get(generation)
        attempts = earlier.attempts + 1 if earlier else 1
        self._failures[generation] = _Failure(attempts, self._clock() + pause_s(attempts))


def _sequence_number(change: RowChange) -> str:
    """Return a number that grows within a generation and is another in every other."""
    return f"{change.number:014}{zlib.crc32(change.generation.encode()):010}"
