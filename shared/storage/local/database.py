"""The embedded database: one SQLite file, one connection a thread."""

import sqlite3
import threading
from pathlib import Path

_FILE = "face.db"
_BUSY_TIMEOUT_S = 10.0
_SCHEMA = Path(__file__).with_name("schema.sql")


class Database:
    """SQLite in WAL mode with full synchronisation: what is committed survives a crash."""

    def __init__(self, data_dir: Path) -> None:
        """Open the database of a data folder, and make it if it is not there."""
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = data_dir / _FILE
        self._local = threading.local()
        self.connection.executescript(_SCHEMA.read_text(encoding="utf-8"))

    @property
    def connection(self) -> sqlite3.Connection:
        """The thread's own connection, in autocommit mode: a transaction is begun by name."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return connection
