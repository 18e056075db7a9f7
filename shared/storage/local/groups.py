"""Groups of faces in SQLite."""

import sqlite3
from datetime import datetime

from shared.core.errors import GroupExistsError, GroupNotFoundError
from shared.core.recognition.models import Group
from shared.storage.local.database import Database

_COLUMNS = """
    tenant, group_id, generation, model_version, created_at, wrapped_key, face_count, last_change
"""
_Row = tuple[str, str, str, str, str, bytes, int, int]


class SqliteGroups:
    """Implements `Groups`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExistsError: the tenant has a group of this name.
            StoreUnavailableError: other writers held the database for too long.

        """
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    f"INSERT INTO face_group ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    _row(group),
                )
        except sqlite3.IntegrityError:
            raise GroupExistsError(group.group_id) from None

    def get(self, tenant: str, group_id: str) -> Group:
        """Return a group as it is now.

        Raises:
            GroupNotFoundError: the tenant has no such group.

        """
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM face_group WHERE tenant = ? AND group_id = ?",  # noqa: S608
            (tenant, group_id),
        )
        if not rows:
            raise GroupNotFoundError(group_id)
        return _group(*rows[0])

    def get_generation(self, generation: str) -> Group:
        """Return the group of a generation as it is now.

        Raises:
            GroupNotFoundError: no group is of this generation.

        """
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM face_group WHERE generation = ?",  # noqa: S608 - fixed text
            (generation,),
        )
        if not rows:
            raise GroupNotFoundError(generation)
        return _group(*rows[0])

    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        """Return up to `limit` groups with names greater than `after`, in that order."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM face_group WHERE tenant = ? AND group_id > ?"  # noqa: S608
            " ORDER BY group_id LIMIT ?",
            (tenant, after or "", limit),
        )
        return tuple(_group(*row) for row in rows)

    def delete(self, group: Group) -> None:
        """Remove the group and its data key in one step, and note its faces for `Faces.purge`.

        Raises:
            GroupNotFoundError: this generation of the group is not there any more.
            StoreUnavailableError: other writers held the database for too long.

        """
        with self._database.transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM face_group WHERE tenant = ? AND group_id = ? AND generation = ?",
                (group.tenant, group.group_id, group.generation),
            )
            if not deleted.rowcount:
                raise GroupNotFoundError(group.group_id)
            connection.execute("INSERT INTO purge (generation) VALUES (?)", (group.generation,))


def _row(group: Group) -> _Row:
    return (
        group.tenant,
        group.group_id,
        group.generation,
        group.model_version,
        group.created_at.isoformat(),
        group.wrapped_key,
        group.face_count,
        group.last_change,
    )


def _group(
    tenant: str,
    group_id: str,
    generation: str,
    model_version: str,
    created_at: str,
    wrapped_key: bytes,
    face_count: int,
    last_change: int,
) -> Group:
    return Group(
        tenant=tenant,
        group_id=group_id,
        generation=generation,
        model_version=model_version,
        created_at=datetime.fromisoformat(created_at),
        wrapped_key=wrapped_key,
        face_count=face_count,
        last_change=last_change,
    )
