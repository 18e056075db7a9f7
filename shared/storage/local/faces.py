"""The faces of groups in SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from typing_extensions import override

from shared.core.errors import FaceNotFoundError, GroupNotFoundError
from shared.core.photos.models import Box
from shared.core.recognition.models import FaceChange, Group, StoredFace
from shared.core.recognition.ports import Faces
from shared.storage.local.database import Database

_CHANGES_PAGE = 2_000  # about a megabyte
_IDS_PAGE = 500  # every build of SQLite takes as many parameters
_PURGE_BATCH = 500  # rows a transaction, so that other writers wait for milliseconds
_MAX_INTEGER = 2**63 - 1  # that SQLite stores


class SqliteFaces(Faces):
    """Implements `Faces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        with self._database.transaction() as connection:
            count, last_change = _counts(connection, group)
            fitting = faces[: max(0, capacity - count)]
            connection.executemany(
                "INSERT INTO face VALUES (:generation, :face_id, :change, :image_id,"
                " :external_image_id, :x1, :y1, :x2, :y2, :confidence, :sealed_vector)",
                (
                    {
                        **asdict(face),
                        **asdict(face.box),
                        "generation": group.generation,
                        "change": change,
                    }
                    for change, face in enumerate(fitting, start=last_change + 1)
                ),
            )
            _update_counts(connection, group, faces=len(fitting), changes=len(fitting))
        return len(fitting)

    @override
    def remove(self, group: Group, face_id: str) -> None:
        with self._database.transaction() as connection:
            _, last_change = _counts(connection, group)
            removed = connection.execute(
                "UPDATE face SET change = ?, image_id = NULL, external_image_id = NULL, x1 = NULL,"
                " y1 = NULL, x2 = NULL, y2 = NULL, confidence = NULL, sealed_vector = NULL"
                " WHERE generation = ? AND face_id = ? AND sealed_vector IS NOT NULL",
                (last_change + 1, group.generation, face_id),
            )
            if not removed.rowcount:
                raise FaceNotFoundError(face_id)
            _update_counts(connection, group, faces=-1, changes=1)

    @override
    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        found: dict[str, StoredFace] = {}
        for start in range(0, len(face_ids), _IDS_PAGE):
            some = face_ids[start : start + _IDS_PAGE]
            marks = ", ".join("?" * len(some))
            records = self._database.records(
                f"SELECT * FROM face WHERE generation = ? AND face_id IN ({marks})"  # noqa: S608
                " AND sealed_vector IS NOT NULL",
                (group.generation, *some),
            )
            found |= {record["face_id"]: _face(record) for record in records}
        return found

    @override
    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        rows = self._database.read(
            "SELECT face_id FROM face WHERE generation = ? AND external_image_id = ?",
            (group.generation, external_image_id),
        )
        return tuple(face_id for (face_id,) in rows)

    @override
    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        records = self._database.records(
            "SELECT * FROM face WHERE generation = ? AND change < ?"
            " AND sealed_vector IS NOT NULL ORDER BY change DESC LIMIT ?",
            (group.generation, _MAX_INTEGER if before is None else before, limit),
        )
        return tuple(map(_face, records))

    @override
    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        """Yield the changes numbered more than `after`, in order.

        They are read in pages, and no lock is held between pages. A change that is made during
        that time has a greater number than all before it, so a later page has it.
        """
        while rows := self._database.read(
            "SELECT change, face_id, sealed_vector FROM face"
            " WHERE generation = ? AND change > ? ORDER BY change LIMIT ?",
            (group.generation, after, _CHANGES_PAGE),
        ):
            for number, face_id, sealed_vector in rows:
                yield FaceChange(number, face_id, sealed_vector)
            after = rows[-1][0]

    @override
    def purge(self, limit: int) -> int:
        deleted = 0
        while deleted < limit:
            with self._database.transaction() as connection:
                step = _purge_some(connection, min(limit - deleted, _PURGE_BATCH))
            if step is None:
                self._database.checkpoint()
                break
            deleted += step
        return deleted


def _counts(connection: sqlite3.Connection, group: Group) -> tuple[int, int]:
    """Return how many faces the group has, and the number of its last change."""
    row: tuple[int, int] | None = connection.execute(
        "SELECT face_count, last_change FROM face_group"
        " WHERE tenant = ? AND group_id = ? AND generation = ?",
        (group.tenant, group.group_id, group.generation),
    ).fetchone()
    if row is None:
        raise GroupNotFoundError(group.group_id)
    return row


def _update_counts(
    connection: sqlite3.Connection, group: Group, *, faces: int, changes: int
) -> None:
    connection.execute(
        "UPDATE face_group SET face_count = face_count + ?, last_change = last_change + ?"
        " WHERE generation = ?",
        (faces, changes, group.generation),
    )


def _purge_some(connection: sqlite3.Connection, limit: int) -> int | None:
    """Delete rows of one deleted group, and with the last its note; None if there is no note."""
    note = connection.execute("SELECT generation FROM purge LIMIT 1").fetchone()
    if note is None:
        return None
    deleted = connection.execute(
        "DELETE FROM face WHERE rowid IN (SELECT rowid FROM face WHERE generation = ? LIMIT ?)",
        (*note, limit),
    ).rowcount
    if deleted < limit:
        connection.execute("DELETE FROM purge WHERE generation = ?", note)
    return deleted


def _face(record: dict[str, Any]) -> StoredFace:
    return StoredFace(
        face_id=record["face_id"],
        image_id=record["image_id"],
        external_image_id=record["external_image_id"],
        box=Box(record["x1"], record["y1"], record["x2"], record["y2"]),
        confidence=record["confidence"],
        sealed_vector=record["sealed_vector"],
        change=record["change"],
    )
