"""Quotas in SQLite, with processes that race and processes that die."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.config import ROOT
from shared.core.errors import ConcurrencyLimitError
from shared.core.metering.models import DistinctLimit, Limits
from shared.storage.local.database import Database
from shared.storage.local.distinct import SqliteDistinctTracker
from shared.storage.local.usage import SqliteUsage

NOON = 1_769_828_400.0  # in Korea, on 2026-01-31

RACER = """
import sys
from pathlib import Path
from shared.core.errors import LimitError
from shared.core.metering.models import Limits
from shared.storage.local.database import Database
from shared.storage.local.usage import SqliteUsage

usage = SqliteUsage(Database(Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
passed = 0
for _ in range(50):
    try:
        usage.settle(usage.admit("k", Limits(daily=50, in_flight=4), now=1769828400, lease_s=90),
                     refund=False)
        passed += 1
    except LimitError:
        pass
print(passed)
"""

VICTIM = """
import sys, time
from pathlib import Path
from shared.core.metering.models import Limits
from shared.storage.local.database import Database
from shared.storage.local.usage import SqliteUsage

usage = SqliteUsage(Database(Path(sys.argv[1])))
usage.admit("k", Limits(in_flight=1), now=1769828400, lease_s=90)
print("in flight", flush=True)
time.sleep(60)
"""


def start(script: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def test_the_calls_of_four_processes_fill_the_limit_exactly(tmp_path: Path) -> None:
    Database(tmp_path)
    racers = [start(RACER, tmp_path) for _ in range(4)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    outputs = [racer.communicate("go\n")[0] for racer in racers]
    assert sum(int(output) for output in outputs) == 50
    counts = SqliteUsage(Database(tmp_path)).counts("k")
    assert counts == {"2026-01-31": 50, "2026-01": 50, "2026": 50}


def test_the_call_of_a_killed_process_stays_counted_and_its_lease_ends(tmp_path: Path) -> None:
    victim = start(VICTIM, tmp_path)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "in flight\n"
    victim.kill()
    victim.communicate()
    usage = SqliteUsage(Database(tmp_path))
    limits = Limits(in_flight=1)
    with pytest.raises(ConcurrencyLimitError):
        usage.admit("k", limits, now=NOON + 89, lease_s=90)
    assert usage.admit("k", limits, now=NOON + 90, lease_s=90).used_today == 2


def test_an_address_that_was_seen_costs_no_write(tmp_path: Path) -> None:
    database = Database(tmp_path)
    tracker = SqliteDistinctTracker(database)
    for written in (1, 0, 0):
        before = database.connection.total_changes
        tracker.note("key k", "10.0.0.1", limit=DistinctLimit(3, 60), now=NOON)
        assert database.connection.total_changes - before == written


def test_expired_addresses_do_not_pile_up(tmp_path: Path) -> None:
    database = Database(tmp_path)
    tracker = SqliteDistinctTracker(database)
    for number in range(20):
        tracker.note(f"address {number}", "k", limit=DistinctLimit(3, 60), now=NOON + number * 60)
    assert database.read("SELECT count(*) FROM sighting") == [(1,)]


def test_cleaning_up_many_rows_holds_the_database_for_a_thousand_at_a_time(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.transaction() as connection:
        for number in range(1100):
            connection.execute("INSERT INTO call_lease VALUES (?, '1#a')", (f"key {number}",))
            connection.execute("INSERT INTO call_lease VALUES (?, '9#b')", (f"key {number}",))
            connection.execute("INSERT INTO call_pace VALUES (?, 1)", (f"key {number}",))
            connection.execute("INSERT INTO sighting VALUES (?, 'x', 1)", (f"key {number}",))
    usage, tracker = SqliteUsage(database), SqliteDistinctTracker(database)
    dropped = list(usage.clean_up(0.000_005))
    assert dropped == [
        {"leases": 500}, {"leases": 500}, {"leases": 100}, {"paces": 1000}, {"paces": 100}
    ]  # fmt: skip
    assert list(tracker.clean_up(1.0)) == [1000, 100]
    assert database.read("SELECT count(*), max(lease) FROM call_lease") == [(1100, "9#b")]
