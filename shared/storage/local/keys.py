"""API keys in SQLite."""

from shared.core.models import ApiKey, KeyStatus
from shared.storage.local.database import Database

_COLUMNS = "key_hash, name, tenant, status, created_at"


class SqliteKeys:
    """Fills the port `Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        row = self._database.connection.execute(
            f"SELECT {_COLUMNS} FROM api_key WHERE key_hash = ?",  # noqa: S608 - fixed text
            (key_hash,),
        ).fetchone()
        return _key(row) if row else None

    def put(self, key: ApiKey) -> None:
        """Store the key; one with the same hash is replaced."""
        self._database.connection.execute(
            f"INSERT OR REPLACE INTO api_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            (key.key_hash, key.name, key.tenant, key.status.value, key.created_at),
        )

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""
        rows = self._database.connection.execute(
            f"SELECT {_COLUMNS} FROM api_key ORDER BY name, created_at"  # noqa: S608
        )
        return tuple(_key(row) for row in rows)

    def delete(self, key_hash: str) -> None:
        """Forget the key with this hash, if there is one."""
        self._database.connection.execute("DELETE FROM api_key WHERE key_hash = ?", (key_hash,))


def _key(row: tuple[str, str, str, str, str]) -> ApiKey:
    key_hash, name, tenant, status, created_at = row
    return ApiKey(key_hash, name, tenant, KeyStatus(status), created_at)
