"""Groups of faces in SQLite."""

import sqlite3
from dataclasses import asdict
from datetime import datetime
from typing import Any

from typing_extensions import override

from shared.core.errors import GroupExistsError, GroupNotFoundError
from shared.core.recognition.models import Group
from shared.core.recognition.ports import Groups
from shared.storage.local.database import Database


class SqliteGroups(Groups):
    """Implements `Groups`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def create(self, group: Group) -> None:
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO face_group VALUES (:tenant, :group_id, :generation,"
                    " :model_version, :created_at, :wrapped_key, :face_count, :last_change)",
                    {**asdict(group), "created_at": group.created_at.isoformat()},
                )
        except sqlite3.IntegrityError:
            raise GroupExistsError(group.group_id) from None

    @override
    def get(self, tenant: str, group_id: str) -> Group:
        records = self._database.records(
            "SELECT * FROM face_group WHERE tenant = ? AND group_id = ?", (tenant, group_id)
        )
        if not records:
            raise GroupNotFoundError(group_id)
        return _group(records[0])

    @override
    def get_generation(self, generation: str) -> Group:
        records = self._database.records(
            "SELECT * FROM face_group WHERE generation = ?", (generation,)
        )
        if not records:
            raise GroupNotFoundError(generation)
        return _group(records[0])

    @override
    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        records = self._database.records(
            "SELECT * FROM face_group WHERE tenant = ? AND group_id > ? ORDER BY group_id LIMIT ?",
            (tenant, after or "", limit),
        )
        return tuple(map(_group, records))

    @override
    def delete(self, group: Group) -> None:
        with self._database.transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM face_group WHERE tenant = ? AND group_id = ? AND generation = ?",
                (group.tenant, group.group_id, group.generation),
            )
            if not deleted.rowcount:
                raise GroupNotFoundError(group.group_id)
            connection.execute("INSERT INTO purge (generation) VALUES (?)", (group.generation,))


def _group(record: dict[str, Any]) -> Group:
    return Group(**{**record, "created_at": datetime.fromisoformat(record["created_at"])})
