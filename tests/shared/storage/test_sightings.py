"""The contract of the port `Sightings`, for the fake and for both adapters."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.core.models import Distinct
from shared.core.ports import Sightings
from shared.storage.aws.sightings import DynamoSightings
from shared.storage.local.database import Database
from shared.storage.local.sightings import SqliteSightings
from tests.fakes import InMemorySightings
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo

NOW = 1_769_828_400.5
TWO_AN_HOUR = Distinct(2, 3600)


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def sightings(request: pytest.FixtureRequest, tmp_path: Path) -> Sightings:
    if request.param == "fake":
        return InMemorySightings()
    if request.param == "sqlite":
        return SqliteSightings(Database(tmp_path))
    dynamo: Dynamo = request.getfixturevalue("dynamo")
    return DynamoSightings(access_tables.create(dynamo), access_tables.USAGE)


def note(sightings: Sightings, other: str, now: float = NOW, subject: str = "key 1") -> bool:
    return sightings.note(subject, other, limit=TWO_AN_HOUR, now=now)


def test_takes_as_many_as_may_be_and_those_again(sightings: Sightings) -> None:
    assert [note(sightings, other) for other in "abcabd"] == [True, True, False, True, True, False]


def test_each_subject_counts_for_itself(sightings: Sightings) -> None:
    assert all(note(sightings, other, subject=f"key {other}") for other in "abc")


def test_one_counts_until_its_window_ends(sightings: Sightings) -> None:
    note(sightings, "a")
    note(sightings, "b", NOW + 1800)
    assert not note(sightings, "c", NOW + 3598)
    assert note(sightings, "c", NOW + 3600)
    assert not note(sightings, "a", NOW + 3600)
    assert note(sightings, "b", NOW + 3600)


def test_one_too_many_is_not_noted(sightings: Sightings) -> None:
    note(sightings, "a")
    note(sightings, "b", NOW + 1)
    assert not note(sightings, "c", NOW + 3000)
    assert note(sightings, "d", NOW + 3601)
    assert note(sightings, "e", NOW + 3602)


def test_forgets_a_subject(sightings: Sightings) -> None:
    note(sightings, "a")
    note(sightings, "b")
    sightings.forget("key 1")
    assert note(sightings, "c")


def test_cleaning_up_keeps_those_that_count(sightings: Sightings) -> None:
    note(sightings, "a")
    note(sightings, "b", NOW + 1800)
    for _ in range(2):
        list(sightings.clean_up(NOW + 3600))
    assert note(sightings, "c", NOW + 3600)
    assert not note(sightings, "d", NOW + 3600)
    assert note(sightings, "b", NOW + 3600)


def test_of_many_at_once_exactly_as_many_as_may_be_pass(sightings: Sightings) -> None:
    limit = Distinct(5, 3600)

    def attempt(number: int) -> bool:
        return sightings.note("key 1", f"10.0.0.{number % 20}", limit=limit, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(attempt, range(20)))
        again = list(pool.map(attempt, range(20)))
    assert sum(first) == 5
    assert again == first
