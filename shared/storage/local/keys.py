"""API keys in SQLite."""

from collections.abc import Sequence

from typing_extensions import override

from shared.core.metering.models import ApiKey, KeyEvent
from shared.core.metering.ports import Keys
from shared.storage import key_records
from shared.storage.local.database import Database


class SqliteKeys(Keys):
    """Implements `Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def lookup(self, key_hash: str) -> ApiKey | None:
        records = self._database.records("SELECT * FROM api_key WHERE key_hash = ?", (key_hash,))
        return key_records.to_key(records[0]) if records else None

    @override
    def list_all(self) -> tuple[ApiKey, ...]:
        records = self._database.records(
            "SELECT * FROM api_key ORDER BY name, created_at, key_hash"
        )
        return tuple(map(key_records.to_key, records))

    @override
    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        with self._database.transaction() as connection:
            connection.executemany(
                "REPLACE INTO api_key VALUES"
                " (:key_hash, :id, :name, :tenant, :status, :created_at, :limits, :expires_at)",
                map(key_records.from_key, put),
            )
            connection.executemany(
                "DELETE FROM api_key WHERE key_hash = ?", [(key_hash,) for key_hash in delete]
            )
            connection.execute(
                "INSERT INTO key_event (at, key_id, key_name, action, detail, by)"
                " VALUES (:at, :key_id, :key_name, :action, :detail, :by)",
                key_records.from_event(event),
            )

    @override
    def events(self) -> tuple[KeyEvent, ...]:
        records = self._database.records(
            "SELECT at, key_id, key_name, action, detail, by FROM key_event ORDER BY at, number"
        )
        return tuple(map(key_records.to_event, records))
