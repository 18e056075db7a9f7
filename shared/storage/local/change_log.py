"""What changed among the faces in SQLite, for those who follow it."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from shared.storage.local.database import Database

_IS_LIVE = "sealed_vector IS NOT NULL"


@dataclass(frozen=True, slots=True)
class RowChange:
    """A changed row of the faces, as the stream of a DynamoDB table knows it.

    Attributes:
        generation: of the group that it belongs to.
        face_id: of the face.
        number: of the change, greater than those of all earlier ones of the generation.
        kind: INSERT for a face that was added, MODIFY for one that became a tombstone, REMOVE for
            rows of a group that was deleted.
    """

    generation: str
    face_id: str
    number: int
    kind: Literal["INSERT", "MODIFY", "REMOVE"]


class SqliteChangeLog:
    """Compares what a follower has seen with the newest change of each group."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self) -> tuple[int, int]:
        """Return what differs, in the same thread, whenever the database may have changed.

        It costs a few microseconds: the number of commits of other connections, and of the
        changes through the thread's own.
        """
        ((version,),) = self._database.read("PRAGMA data_version")
        return version, self._database.connection.total_changes

    def newest(self) -> list[RowChange]:
        """Return the newest change of every group that has one."""
        rows = self._database.read(
            f"SELECT generation, face_id, change, {_IS_LIVE} FROM face_group"  # noqa: S608
            " JOIN face USING (generation) WHERE change = last_change"
        )
        return [_change(*row) for row in rows]

    def since(
        self, seen: Mapping[str, RowChange], *, limit: int, without: Collection[str] = ()
    ) -> list[RowChange]:
        """Return up to `limit` changes after those seen, in order for each generation.

        Many groups that changed share the limit. A deleted group is one change, the last.

        Args:
            seen: the last change that was dealt with, by generation.
            limit: the most changes to return, at least 1.
            without: generations to pass over.

        """
        heads = dict(self._database.read("SELECT generation, last_change FROM face_group"))
        changes = [
            replace(change, kind="REMOVE")
            for generation, change in seen.items()
            if generation not in heads and generation not in without
        ][:limit]
        behind = {
            generation: seen[generation].number if generation in seen else 0
            for generation in heads
            if generation not in without
        }
        behind = {name: number for name, number in behind.items() if heads[name] > number}
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
        return [_change(*row) for row in rows]


def _change(generation: str, face_id: str, number: int, is_live: int) -> RowChange:
    return RowChange(generation, face_id, number, "INSERT" if is_live else "MODIFY")
