"""The contract of the port `DistinctTracker`, for the fake and for both adapters."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.in_memory import InMemoryDistinctTracker
from shared.core.metering.models import DistinctLimit
from shared.core.metering.ports import DistinctTracker
from shared.storage.aws.distinct import DynamoDistinctTracker
from shared.storage.local.database import Database
from shared.storage.local.distinct import SqliteDistinctTracker
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo

NOW = 1_769_828_400.5
TWO_AN_HOUR = DistinctLimit(2, 3600)


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> DistinctTracker:
    if request.param == "fake":
        return InMemoryDistinctTracker()
    if request.param == "sqlite":
        return SqliteDistinctTracker(Database(tmp_path))
    dynamo: Dynamo = request.getfixturevalue("dynamo")
    return DynamoDistinctTracker(access_tables.create(dynamo), access_tables.USAGE)


def note(tracker: DistinctTracker, other: str, now: float = NOW, subject: str = "key 1") -> bool:
    return tracker.note(subject, other, limit=TWO_AN_HOUR, now=now)


def test_accepts_as_many_as_the_limit_and_those_again(tracker: DistinctTracker) -> None:
    assert [note(tracker, other) for other in "abcabd"] == [True, True, False, True, True, False]


def test_each_subject_has_its_own_limit(tracker: DistinctTracker) -> None:
    assert all(note(tracker, other, subject=f"key {other}") for other in "abc")


def test_one_counts_until_its_window_ends(tracker: DistinctTracker) -> None:
    note(tracker, "a")
    note(tracker, "b", NOW + 1800)
    assert not note(tracker, "c", NOW + 3598)
    assert note(tracker, "c", NOW + 3600)
    assert not note(tracker, "a", NOW + 3600)
    assert note(tracker, "b", NOW + 3600)


def test_one_too_many_is_not_noted(tracker: DistinctTracker) -> None:
    note(tracker, "a")
    note(tracker, "b", NOW + 1)
    assert not note(tracker, "c", NOW + 3000)
    assert note(tracker, "d", NOW + 3601)
    assert note(tracker, "e", NOW + 3602)


def test_forgets_a_subject(tracker: DistinctTracker) -> None:
    note(tracker, "a")
    note(tracker, "b")
    tracker.forget("key 1")
    assert note(tracker, "c")


def test_cleaning_up_keeps_those_that_count(tracker: DistinctTracker) -> None:
    note(tracker, "a")
    note(tracker, "b", NOW + 1800)
    for _ in range(2):
        list(tracker.clean_up(NOW + 3600))
    assert note(tracker, "c", NOW + 3600)
    assert not note(tracker, "d", NOW + 3600)
    assert note(tracker, "b", NOW + 3600)


def test_concurrent_notes_fill_the_limit_exactly(tracker: DistinctTracker) -> None:
    limit = DistinctLimit(5, 3600)

    def attempt(number: int) -> bool:
        return tracker.note("key 1", f"10.0.0.{number % 20}", limit=limit, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(attempt, range(20)))
        again = list(pool.map(attempt, range(20)))
    assert sum(first) == 5
    assert again == first
