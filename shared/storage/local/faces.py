"""The faces of groups in SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence

from shared.core.errors import FaceNotFoundError, GroupNotFoundError
from shared.core.photos.models import Box
from shared.core.recognition.models import FaceChange, Group, StoredFace
from shared.storage.local.database import Database

_CHANGES_AT_ONCE = 2_000  # about a megabyte
_IDS_AT_ONCE = 500  # SQLite takes so many parameters in every build
_PURGED_AT_ONCE = 500  # rows a transaction, so that other writers wait for milliseconds
_MAX = 2**63 - 1  # integer that SQLite stores

_COLUMNS = """
    face_id, image_id, external_image_id, x1, y1, x2, y2, confidence, sealed_vector, change
"""
_Row = tuple[str, str, str | None, float, float, float, float, float, bytes, int]


class SqliteFaces:
    """Implements `Faces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        """Store the first faces, as many as fit into `capacity`, all or none; return how many.

        Raises:
            GroupNotFoundError: this generation of the group is not there any more.
            StoreUnavailableError: other writers held the database for too long.

        """
        with self._database.transaction() as connection:
            count, last_change = _account(connection, group)
            fitting = faces[: max(0, capacity - count)]
            connection.executemany(
                f"INSERT INTO face (generation, {_COLUMNS})"  # noqa: S608 - fixed text
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (group.generation, *_row(face, change))
                    for change, face in enumerate(fitting, start=last_change + 1)
                ),
            )
            _update_counts(connection, group, faces=len(fitting), changes=len(fitting))
        return len(fitting)

    def remove(self, group: Group, face_id: str) -> None:
        """Turn a face into a tombstone, which is a change of its own.

        Raises:
            FaceNotFoundError: the group has no such face.
            GroupNotFoundError: this generation of the group is not there any more.
            StoreUnavailableError: other writers held the database for too long.

        """
        with self._database.transaction() as connection:
            _, last_change = _account(connection, group)
            removed = connection.execute(
                "UPDATE face SET change = ?, image_id = NULL, external_image_id = NULL, x1 = NULL,"
                " y1 = NULL, x2 = NULL, y2 = NULL, confidence = NULL, sealed_vector = NULL"
                " WHERE generation = ? AND face_id = ? AND sealed_vector IS NOT NULL",
                (last_change + 1, group.generation, face_id),
            )
            if not removed.rowcount:
                raise FaceNotFoundError(face_id)
            _update_counts(connection, group, faces=-1, changes=1)

    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        """Return those of the faces that the group has now, by id."""
        found = {}
        for start in range(0, len(face_ids), _IDS_AT_ONCE):
            some = face_ids[start : start + _IDS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            for row in self._database.read(
                f"SELECT {_COLUMNS} FROM face WHERE generation = ?"  # noqa: S608 - fixed text
                f" AND face_id IN ({marks}) AND sealed_vector IS NOT NULL",
                (group.generation, *some),
            ):
                face = _face(*row)
                found[face.face_id] = face
        return found

    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        """Return the ids of the faces that the group has now under a label of the caller's."""
        rows = self._database.read(
            "SELECT face_id FROM face WHERE generation = ? AND external_image_id = ?",
            (group.generation, external_image_id),
        )
        return tuple(face_id for (face_id,) in rows)

    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        """Return up to `limit` faces whose change is less than `before`, newest first."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM face WHERE generation = ? AND change < ?"  # noqa: S608
            " AND sealed_vector IS NOT NULL ORDER BY change DESC LIMIT ?",
            (group.generation, _MAX if before is None else before, limit),
        )
        return tuple(_face(*row) for row in rows)

    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        """Yield the changes numbered more than `after`, in order.

        They are read in pages, each a read of its own: no lock is held between them. A change that
        is made meanwhile has a greater number than all before it, so it is met further on.
        """
        while rows := self._database.read(
            "SELECT change, face_id, sealed_vector FROM face"
            " WHERE generation = ? AND change > ? ORDER BY change LIMIT ?",
            (group.generation, after, _CHANGES_AT_ONCE),
        ):
            for number, face_id, sealed_vector in rows:
                yield FaceChange(number, face_id, sealed_vector)
            after = rows[-1][0]

    def purge(self, limit: int) -> int:
        """Delete up to `limit` rows that deleted groups left; return how many: 0 when none is left.

        It can be interrupted anywhere, run by two processes at once, and run again.

        Raises:
            StoreUnavailableError: other writers held the database for too long.

        """
        deleted = 0
        while deleted < limit:
            with self._database.transaction() as connection:
                step = _purge_some(connection, min(limit - deleted, _PURGED_AT_ONCE))
            if step is None:
                self._database.checkpoint()
                break
            deleted += step
        return deleted


def _account(connection: sqlite3.Connection, group: Group) -> tuple[int, int]:
    """Return the count of the group's faces and the number of its last change."""
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
    """Delete rows of one deleted group, and its note with the last; None where no note is."""
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


def _row(face: StoredFace, change: int) -> _Row:
    box = face.box
    return (
        face.face_id,
        face.image_id,
        face.external_image_id,
        box.x1,
        box.y1,
        box.x2,
        box.y2,
        face.confidence,
        face.sealed_vector,
        change,
    )


def _face(
    face_id: str,
    image_id: str,
    external_image_id: str | None,
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    confidence: float,
    sealed_vector: bytes,
    change: int,
) -> StoredFace:
    return StoredFace(
        face_id=face_id,
        image_id=image_id,
        external_image_id=external_image_id,
        box=Box(x1, y1, x2, y2),
        confidence=confidence,
        sealed_vector=sealed_vector,
        change=change,
    )
