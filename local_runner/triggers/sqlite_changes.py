"""Invokes a function with the changes of faces in SQLite, like the stream of the faces table."""

import math
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from local_runner.functions import Invoke
from local_runner.triggers import events
from local_runner.triggers.delivery import Backoff, deliver_in_order
from shared.storage.local.database import Database

_IS_LIVE = "sealed_vector IS NOT NULL"


@dataclass(frozen=True, slots=True)
class RowChange:
    """A changed row of the faces table.

    Attributes:
        generation: the generation of the face's group.
        face_id: the face.
        number: greater than the number of each earlier change of the generation.
        kind: INSERT for a new face, MODIFY for one that became a tombstone, REMOVE for the rows of
            a deleted group.
    """

    generation: str
    face_id: str
    number: int
    kind: Literal["INSERT", "MODIFY", "REMOVE"]

    @property
    def sequence_number(self) -> str:
        """Digits that grow within a generation and differ between generations."""
        return f"{self.number:014}{zlib.crc32(self.generation.encode()):010}"


class ChangeLog:
    """Finds the changes of each group that a reader has not seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> tuple[int, int]:
        """Return a value that differs, within a thread, whenever the database may have changed.

        It takes a few microseconds: it counts the commits of other connections, and the changes
        through the thread's own.
        """
        ((commits,),) = self._database.read("PRAGMA data_version")
        return commits, self._database.connection.total_changes

    def newest(self) -> list[RowChange]:
        """Return the newest change of every group that has one."""
        rows = self._database.read(
            f"SELECT generation, face_id, change, {_IS_LIVE} FROM face_group"  # noqa: S608
            " JOIN face USING (generation) WHERE change = last_change"
        )
        return [_row_change(*row) for row in rows]

    def since(
        self, seen: Mapping[str, RowChange], *, limit: int, without: Collection[str] = ()
    ) -> list[RowChange]:
        """Return up to `limit` changes after those seen, in order for each generation.

        Changed groups share the limit. A deleted group is one change, its last.

        Args:
            seen: the last change that was processed, by generation.
            limit: the maximum number of changes, at least 1.
            without: generations to leave out.

        """
        newest = dict(self._database.read("SELECT generation, last_change FROM face_group"))
        changes = [
            replace(change, kind="REMOVE")
            for generation, change in seen.items()
            if generation not in newest and generation not in without
        ][:limit]
        behind = {
            generation: seen[generation].number if generation in seen else 0
            for generation in newest
            if generation not in without
        }
        behind = {name: number for name, number in behind.items() if newest[name] > number}
        share = math.ceil(limit / max(1, len(behind)))
        for generation, after in behind.items():
            if (room := min(share, limit - len(changes))) < 1:
                break
            changes += self._page(generation, after, room)
        return changes

    def _page(self, generation: str, after: int, limit: int) -> list[RowChange]:
        rows = self._database.read(
            f"SELECT generation, face_id, change, {_IS_LIVE} FROM face"  # noqa: S608
            " WHERE generation = ? AND change > ? ORDER BY change LIMIT ?",
            (generation, after, limit),
        )
        return [_row_change(*row) for row in rows]


def _row_change(generation: str, face_id: str, number: int, is_live: int) -> RowChange:
    return RowChange(generation, face_id, number, "INSERT" if is_live else "MODIFY")


@dataclass
class ChangePoller:
    """Delivers the changes of each generation in order.

    Positions are kept in memory only: after a restart, the newest change of every group is
    delivered again. When a change fails, its generation waits, longer each time; the others go on.
    """

    log: ChangeLog
    table: str
    invoke: Invoke
    batch_size: int
    clock: Callable[[], float] = time.monotonic
    _finished_version: tuple[int, int] | None = field(init=False, default=None)
    _backoffs: dict[str, Backoff] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._seen = {
            change.generation: replace(change, number=change.number - 1)
            for change in self.log.newest()
        }

    def poll(self) -> bool:
        """Invoke the function with the next changes, if there are any."""
        version = self.log.version()
        if version == self._finished_version:
            return False
        now = self.clock()
        waiting = {name for name, backoff in self._backoffs.items() if backoff.due_at > now}
        changes = self.log.since(self._seen, limit=self.batch_size, without=waiting)
        if changes:
            self._deliver(changes)
        elif not waiting:
            self._finished_version = version
        return len(changes) > self.batch_size // 2

    def _deliver(self, changes: list[RowChange]) -> None:
        done = deliver_in_order(self.invoke, list(map(self._record, changes)))
        for change in changes[:done]:
            self._mark_as_seen(change)
        if done < len(changes):
            backoff = self._backoffs.setdefault(changes[done].generation, Backoff())
            backoff.postpone(self.clock())

    def _record(self, change: RowChange) -> events.Record:
        """Return a change in the form of a record of the stream of a DynamoDB table."""
        name = f"{change.generation}/{change.number}/{change.kind}"
        table = f"arn:aws:dynamodb:{events.REGION}:{events.ACCOUNT}:table/{self.table}"
        return {
            "eventID": uuid.uuid5(uuid.NAMESPACE_OID, name).hex,
            "eventName": change.kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": events.REGION,
            "dynamodb": {
                "ApproximateCreationDateTime": time.time(),
                "Keys": {"generation": {"S": change.generation}, "face_id": {"S": change.face_id}},
                "SequenceNumber": change.sequence_number,
                "SizeBytes": len("generation" + change.generation + "face_id" + change.face_id),
                "StreamViewType": "KEYS_ONLY",
            },
            "eventSourceARN": f"{table}/stream/local",
        }

    def _mark_as_seen(self, change: RowChange) -> None:
        self._backoffs.pop(change.generation, None)
        if change.kind == "REMOVE":
            del self._seen[change.generation]
        else:
            self._seen[change.generation] = change
