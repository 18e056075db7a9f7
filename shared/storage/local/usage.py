"""The calls of keys in SQLite: each admission is one write transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from typing_extensions import override

from shared.core.metering import quota
from shared.core.metering.models import Admission, Limits
from shared.core.metering.ports import Usage
from shared.core.metering.quota import Tally
from shared.storage.local.database import Database

_CLEAN_UP_BATCH = 1_000  # rows, so that other writers wait for milliseconds


class SqliteUsage(Usage):
    """Implements `Usage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        day, _, _ = periods = quota.periods(now)
        lease = None if limits.in_flight is None else quota.new_lease(now, lease_s)
        with self._database.transaction() as connection:
            tally = _tally(connection, key_id, periods, limits)
            quota.check(limits, tally, now)
            _count(connection, key_id, periods)
            if limits.rate:
                due_us = quota.next_due_us(limits.rate, tally.due_us, now)
                connection.execute("REPLACE INTO call_pace VALUES (?, ?)", (key_id, due_us))
            if lease:
                given_up = quota.expired(tally.leases, now)
                _release(connection, key_id, given_up)
                connection.execute("INSERT INTO call_lease VALUES (?, ?)", (key_id, lease))
            if day not in tally.counts:
                _forget_outdated(connection, key_id, now)
        return Admission(key_id, day, tally.counts.get(day, 0) + 1, lease)

    @override
    def settle(self, admission: Admission, *, refund: bool) -> None:
        if not refund and not admission.lease:
            return
        with self._database.transaction() as connection:
            if refund:
                connection.executemany(
                    "UPDATE call_count SET calls = calls - 1 WHERE key_id = ? AND period = ?",
                    [(admission.key_id, name) for name in quota.periods_of(admission.day)],
                )
            if admission.lease:
                _release(connection, admission.key_id, [admission.lease])

    @override
    def counts(self, key_id: str) -> Mapping[str, int]:
        rows = self._database.read(
            "SELECT period, calls FROM call_count WHERE key_id = ?", (key_id,)
        )
        return dict(rows)

    @override
    def forget(self, key_id: str) -> None:
        with self._database.transaction() as connection:
            for table in ("call_count", "call_lease", "call_pace"):
                connection.execute(f"DELETE FROM {table} WHERE key_id = ?", (key_id,))  # noqa: S608

    @override
    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        for page in self._pages("call_lease", "lease"):
            leases = quota.expired((lease for _, lease in page), before)
            yield {"leases": self._drop("call_lease", "lease", page, leases)}
        for page in self._pages("call_count", "period"):
            periods = quota.outdated((period for _, period in page), before)
            yield {"periods": self._drop("call_count", "period", page, set(periods))}
        while paces := self._drop_paces(before):
            yield {"paces": paces}

    def _pages(self, table: str, column: str) -> Iterator[list[tuple[str, str]]]:
        """Yield every key and value of a column; no lock is held between pages."""
        last = ("", "")
        while rows := self._database.read(
            f"SELECT key_id, {column} FROM {table} WHERE (key_id, {column}) > (?, ?)"  # noqa: S608
            f" ORDER BY key_id, {column} LIMIT ?",
            (*last, _CLEAN_UP_BATCH),
        ):
            page = [(key_id, value) for key_id, value in rows]
            yield page
            last = page[-1]

    def _drop(
        self, table: str, column: str, page: Sequence[tuple[str, str]], values: Set[str]
    ) -> int:
        """Delete the rows of a page that have one of the values; return how many there were."""
        doomed = [row for row in page if row[1] in values]
        if not doomed:
            return 0
        with self._database.transaction() as connection:
            delete = f"DELETE FROM {table} WHERE key_id = ? AND {column} = ?"  # noqa: S608
            return connection.executemany(delete, doomed).rowcount

    def _drop_paces(self, before: float) -> int:
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM call_pace WHERE key_id IN"
                " (SELECT key_id FROM call_pace WHERE due_us <= ? LIMIT ?)",
                (quota.microseconds(before), _CLEAN_UP_BATCH),
            ).rowcount


def _tally(
    connection: sqlite3.Connection, key_id: str, periods: Sequence[str], limits: Limits
) -> Tally:
    """Read only what the limits are about."""
    counts = connection.execute(
        "SELECT period, calls FROM call_count WHERE key_id = ? AND period IN (?, ?, ?)",
        (key_id, *periods),
    )
    leases: Iterable[tuple[str]] = ()
    if limits.in_flight is not None:
        leases = connection.execute("SELECT lease FROM call_lease WHERE key_id = ?", (key_id,))
    pace: tuple[int] | None = None
    if limits.rate:
        select = "SELECT due_us FROM call_pace WHERE key_id = ?"
        pace = connection.execute(select, (key_id,)).fetchone()
    return Tally(
        counts=dict(counts),
        leases=frozenset(lease for (lease,) in leases),
        due_us=pace[0] if pace else 0,
    )


def _count(connection: sqlite3.Connection, key_id: str, periods: Sequence[str]) -> None:
    connection.executemany(
        "INSERT INTO call_count VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1",
        [(key_id, period) for period in periods],
    )


def _release(connection: sqlite3.Connection, key_id: str, leases: Iterable[str]) -> None:
    connection.executemany(
        "DELETE FROM call_lease WHERE key_id = ? AND lease = ?",
        [(key_id, lease) for lease in leases],
    )


def _forget_outdated(connection: sqlite3.Connection, key_id: str, now: float) -> None:
    names = connection.execute("SELECT period FROM call_count WHERE key_id = ?", (key_id,))
    connection.executemany(
        "DELETE FROM call_count WHERE key_id = ? AND period = ?",
        [(key_id, name) for name in quota.outdated([name for (name,) in names], now)],
    )
