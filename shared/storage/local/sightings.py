"""Who was seen with whom, in SQLite."""

from shared.core.models import Distinct
from shared.storage.local.database import Database


class SqliteSightings:
    """Fills the port `Sightings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, subject: str, other: str, *, limit: Distinct, now: float) -> bool:
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
