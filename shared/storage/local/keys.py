"""API keys in SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime

from shared.core.metering import limits
from shared.core.metering.models import ApiKey, KeyEvent, KeyStatus
from shared.storage.local.database import Database

_COLUMNS = "id, key_hash, name, tenant, status, created_at, limits, expires_at"
_Row = tuple[str, str, str, str, str, str, str, str | None]


class SqliteKeys:
    """Implements `Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lookup(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM api_key WHERE key_hash = ?",  # noqa: S608 - fixed text
            (key_hash,),
        )
        return _key(*rows[0]) if rows else None

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM api_key ORDER BY name, created_at, key_hash"  # noqa: S608
        )
        return tuple(_key(*row) for row in rows)

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store and forget keys and log the event, all of it or nothing."""
        with self._database.transaction() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO api_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                [_row(key) for key in put],
            )
            connection.executemany(
                "DELETE FROM api_key WHERE key_hash = ?", [(key_hash,) for key_hash in delete]
            )
            connection.execute(
                "INSERT INTO key_event (at, key_id, key_name, action, detail, by)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    event.at.isoformat(),
                    event.key_id,
                    event.key_name,
                    event.action,
                    event.detail,
                    event.by,
                ),
            )

    def events(self) -> tuple[KeyEvent, ...]:
        """Return what was done, the oldest first."""
        rows = self._database.read(
            "SELECT at, key_id, key_name, action, detail, by FROM key_event ORDER BY at, number"
        )
        return tuple(KeyEvent(datetime.fromisoformat(at), *others) for at, *others in rows)


def _row(key: ApiKey) -> _Row:
    if key.limits is None:
        raise ValueError("a key without limits is not stored")
    return (
        key.id,
        key.key_hash,
        key.name,
        key.tenant,
        key.status.value,
        key.created_at.isoformat(),
        json.dumps(limits.to_dict(key.limits)),
        None if key.expires_at is None else key.expires_at.isoformat(),
    )


def _key(
    key_id: str,
    key_hash: str,
    name: str,
    tenant: str,
    status: str,
    created_at: str,
    limits_json: str,
    expires_at: str | None,
) -> ApiKey:
    return ApiKey(
        id=key_id,
        key_hash=key_hash,
        name=name,
        tenant=tenant,
        status=KeyStatus(status),
        created_at=datetime.fromisoformat(created_at),
        limits=limits.from_dict(json.loads(limits_json)),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
    )
