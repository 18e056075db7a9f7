"""Who was seen with whom, in SQLite."""

from collections.abc import Iterator

from shared.core.metering.models import DistinctLimit
from shared.storage.local.database import Database

_CLEANED_AT_ONCE = 1_000  # rows, so that other writers wait for milliseconds


class SqliteDistinctTracker:
    """Implements `DistinctTracker`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
        """Return whether `other` is one of those that may be seen with the subject, and note it.

        Raises:
            StoreUnavailableError: other writers held the database for too long.

        """
        known = self._database.read(
            "SELECT 1 FROM sighting WHERE subject = ? AND other = ? AND expires_at > ?",
            (subject, other, now),
        )
        if known:
            return True
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sighting WHERE expires_at <= ?", (now,))
            rows = connection.execute("SELECT other FROM sighting WHERE subject = ?", (subject,))
            seen = {name for (name,) in rows}
            if other in seen:  # another call noted it just now
                return True
            if len(seen) >= limit.most:
                return False
            connection.execute(
                "INSERT INTO sighting VALUES (?, ?, ?)", (subject, other, now + limit.window_s)
            )
            return True

    def forget(self, subject: str) -> None:
        """Forget whom the subject was seen with."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sighting WHERE subject = ?", (subject,))

    def clean_up(self, before: float) -> Iterator[int]:
        """Drop those that counted until before a time, some a transaction; yield how many.

        Raises:
            StoreUnavailableError: other writers held the database for too long.

        """
        while dropped := self._drop_expired(before):
            yield dropped

    def _drop_expired(self, before: float) -> int:
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM sighting WHERE (subject, other) IN"
                " (SELECT subject, other FROM sighting WHERE expires_at <= ? LIMIT ?)",
                (before, _CLEANED_AT_ONCE),
            ).rowcount
