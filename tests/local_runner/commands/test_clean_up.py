"""The command `clean-up`."""

import json
import os
from pathlib import Path

from harness.command_line import Finished, run
from shared.core.metering.models import Limits
from shared.storage.local.database import Database
from shared.storage.local.usage import SqliteUsage
from tests.local_runner.refusals import assert_refused
from tests.shared.storage.stores import sqlite_store

LONG_AGO = 1_700_000_000.0


def rows(finished: Finished) -> dict[str, int]:
    """Return the numbers in the printed table."""
    assert finished.returncode == 0, finished.stderr
    cells = (line.strip("│┃ ").split("│") for line in finished.stdout.splitlines() if "│" in line)
    return {name.strip(): int(count) for name, count in cells}


def litter(data: Path) -> None:
    store = sqlite_store(data)
    group = store.create()
    store.add(group, 3)
    store.groups.delete(group)
    SqliteUsage(Database(data)).admit("k", Limits(in_flight=1), now=LONG_AGO, lease_s=90)


def test_cleans_up_and_prints_what_was_removed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    litter(data)
    removed = rows(run(tmp_path, "clean-up"))
    assert {name: count for name, count in removed.items() if count} == {
        "face rows": 3, "leases": 1, "periods": 2,
    }  # fmt: skip
    assert set(rows(run(tmp_path, "clean-up")).values()) == {0}


def test_keeps_an_old_photo_that_was_just_dropped_into_the_inbox(tmp_path: Path) -> None:
    inbox = tmp_path / "data" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "old.jpg").write_bytes(b"x")
    os.utime(inbox / "old.jpg", (LONG_AGO, LONG_AGO))
    assert rows(run(tmp_path, "clean-up"))["originals"] == 0
    assert (inbox / "old.jpg").exists()


def test_a_failed_step_sets_the_exit_status(tmp_path: Path) -> None:
    data = tmp_path / "data"
    litter(data)
    database = Database(data)
    database.connection.execute("DROP TABLE purge")
    database.connection.execute("CREATE VIEW purge AS SELECT 1 AS other")
    finished = run(tmp_path, "clean-up")
    assert_refused(finished, 1, "error: ")
    lines = [json.loads(line) for line in finished.stderr.splitlines() if line.startswith("{")]
    (report,) = [line for line in lines if line["message"] == "clean-up"]
    assert (report["failed"], report["leases"], report["face_rows"]) == (1, 1, 0)
