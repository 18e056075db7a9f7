"""The embedded database: one SQLite file, one connection a thread."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from shared.core.errors import StoreUnavailableError

_FILE = "face.db"
_BUSY_TIMEOUT_S = 10.0
_RETRY_S = 0.02
_SCHEMA = Path(__file__).with_name("schema.sql")
_PRIMARY_CODE = 0xFF  # the low byte of an extended error code


class Database:
    """SQLite in WAL mode with full synchronisation: what is committed survives a crash.

    Deleted content is overwritten with zeros (secure_delete). The next `checkpoint` removes its
    older copies from the write-ahead log.
    """

    def __init__(self, data_dir: Path, *, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> None:
        """Open the database of a data folder, and create it if it does not exist.

        Args:
            data_dir: the folder.
            busy_timeout_s: how long a call waits for other writers.
        """
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = data_dir / _FILE
        self._busy_timeout_s = busy_timeout_s
        self._local = threading.local()
        self.connection.executescript(_SCHEMA.read_text(encoding="utf-8"))

    @property
    def connection(self) -> sqlite3.Connection:
        """The thread's own connection, in autocommit mode: a transaction begins with BEGIN."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
        return connection

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; no lock outlives the call.

        Raises:
            StoreUnavailableError: the database was locked for longer than the busy timeout.
        """
        with _busy_is_unavailable():
            return self.connection.execute(sql, parameters).fetchall()

    def records(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return all rows of a query by the names of their columns; else the same as `read`."""
        with _busy_is_unavailable():
            cursor = self.connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one write transaction: all of it is stored at its end, or nothing.

        The write lock is taken at the start, so what the block reads stays true.

        Raises:
            StoreUnavailableError: the database was locked for longer than the busy timeout.
        """
        connection = self.connection
        with _busy_is_unavailable():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """Lock the database for this block; yield its only connection, in autocommit mode.

        Raises:
            StoreUnavailableError: another process or thread has the database open.
        """
        self.connection.close()
        del self._local.connection
        with _busy_is_unavailable():
            connection = self._open("EXCLUSIVE")
        try:
            yield connection
        finally:
            connection.close()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database and empty it, unless a reader is in it."""
        with _busy_is_unavailable():
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _open(self, locking_mode: Literal["NORMAL", "EXCLUSIVE"] = "NORMAL") -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=self._busy_timeout_s, isolation_level=None)
        try:
            # before anything is read: then the lock is that of the whole file, taken at once
            connection.execute(f"PRAGMA locking_mode = {locking_mode}")
            self._use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch the file to a write-ahead log, as only the first to open it does.

        SQLite does not wait where two connections do this at once: one of them has to repeat it.
        """
        end = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > end:
                    raise
                time.sleep(_RETRY_S)
            else:
                return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY


@contextmanager
def _busy_is_unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        raise StoreUnavailableError("the database is locked") from error
