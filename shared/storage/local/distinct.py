"""Distinct addresses per key and keys per address in SQLite."""

from collections.abc import Iterator

from typing_extensions import override

from shared.core.metering.models import DistinctLimit
from shared.core.metering.ports import DistinctTracker
from shared.storage.local.database import Database

_CLEAN_UP_BATCH = 1_000  # rows, so that other writers wait for milliseconds


class SqliteDistinctTracker(DistinctTracker):
    """Implements `DistinctTracker`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
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

    @override
    def forget(self, subject: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sighting WHERE subject = ?", (subject,))

    @override
    def clean_up(self, before: float) -> Iterator[int]:
        while dropped := self._drop_expired(before):
            yield dropped

    def _drop_expired(self, before: float) -> int:
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM sighting WHERE (subject, other) IN"
                " (SELECT subject, other FROM sighting WHERE expires_at <= ? LIMIT ?)",
                (before, _CLEAN_UP_BATCH),
            ).rowcount
