"""The contract of the port `Persons`, for the fake and for both adapters."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from shared.core.errors import PersonNotFoundError
from shared.core.recognition.models import Person, PersonId
from shared.core.recognition.ports import Persons
from shared.storage.aws.dynamodb import DynamoDb
from shared.storage.aws.persons import DynamoPersons
from shared.storage.local.database import Database
from shared.storage.local.persons import SqlitePersons
from tests.fakes import InMemoryPersons
from tests.shared.storage.aws import dynamo

TAMY = PersonId("acme", "withmind", "tamy")


@contextlib.contextmanager
def dynamo_persons(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoPersons]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    with mock_aws():
        dynamo.create_table(boto3.client("dynamodb"), "PersonsTable")
        yield DynamoPersons(DynamoDb(), "PersonsTable")


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def persons(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Persons]:
    if request.param == "fake":
        yield InMemoryPersons()
    elif request.param == "sqlite":
        yield SqlitePersons(Database(tmp_path))
    else:
        with dynamo_persons(monkeypatch) as adapter:
            yield adapter


def new_person(person_id: PersonId = TAMY) -> Person:
    return Person(
        id=person_id,
        generation=uuid.uuid4().hex,
        model_version="model-1",
        enrolled_at=datetime.now(UTC),
        wrapped_key=os.urandom(61),
        sealed_vector=os.urandom(541),
    )


def test_finds_what_was_put(persons: Persons) -> None:
    person = new_person()
    persons.put(person)
    assert persons.get(TAMY) == person


def test_put_replaces_the_whole_person(persons: Persons) -> None:
    persons.put(new_person())
    again = new_person()
    persons.put(again)
    assert persons.get(TAMY) == again
    assert list(persons.list_ids("acme", "withmind")) == [TAMY]


@pytest.mark.parametrize(
    "other",
    [
        PersonId("acme", "withmind", "tam"),
        PersonId("acme", "withmind", "Tamy"),
        PersonId("acme", "Withmind", "tamy"),
        PersonId("acme", "other", "tamy"),
        PersonId("other", "withmind", "tamy"),
        PersonId("acme/withmind", "x", "tamy"),
    ],
)
def test_another_id_is_another_person(persons: Persons, other: PersonId) -> None:
    person = new_person()
    persons.put(person)
    with pytest.raises(PersonNotFoundError):
        persons.get(other)
    persons.put(new_person(other))
    persons.delete(other)
    assert persons.get(TAMY) == person


def test_tenants_with_slashes_stay_apart(persons: Persons) -> None:
    first, second = PersonId("a", "b", "x"), PersonId("a/b", "b", "x")
    persons.put(new_person(first))
    assert list(persons.list_ids("a/b", "b")) == []
    persons.put(new_person(second))
    assert list(persons.list_ids("a", "b")) == [first]
    assert list(persons.list_ids("a/b", "b")) == [second]


def test_lists_a_company_by_id(persons: Persons) -> None:
    ids = [PersonId("acme", "withmind", name) for name in ("b", "B", "a-1", "_", "a")]
    for person_id in ids:
        persons.put(new_person(person_id))
    persons.put(new_person(PersonId("acme", "withmin", "c")))
    listed = [person_id.user_id for person_id in persons.list_ids("acme", "withmind")]
    assert listed == ["B", "_", "a", "a-1", "b"]


def test_a_deleted_person_is_gone(persons: Persons) -> None:
    persons.put(new_person())
    persons.delete(TAMY)
    with pytest.raises(PersonNotFoundError):
        persons.get(TAMY)
    assert list(persons.list_ids("acme", "withmind")) == []
    persons.delete(TAMY)  # a second time changes nothing


def test_sqlite_persons_survive_a_new_process(tmp_path: Path) -> None:
    person = new_person()
    SqlitePersons(Database(tmp_path)).put(person)
    assert SqlitePersons(Database(tmp_path)).get(TAMY) == person


def test_sqlite_keeps_nothing_of_a_deleted_person(tmp_path: Path) -> None:
    persons = SqlitePersons(Database(tmp_path))
    old, new = new_person(), new_person()
    persons.put(old)
    persons.put(new)
    persons.delete(TAMY)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for person in (old, new):
        for private in (person.wrapped_key, person.sealed_vector, person.generation.encode()):
            assert private not in stored


def put_some(folder: Path, count: int) -> list[Person]:
    persons = SqlitePersons(Database(folder))
    new = [new_person() for _ in range(count)]
    for person in new:
        persons.put(person)
    return new


def test_concurrent_enrolments_leave_one_whole_person(tmp_path: Path) -> None:
    Database(tmp_path)
    with ProcessPoolExecutor(3) as processes:
        put = [p for some in processes.map(put_some, [tmp_path] * 3, [20] * 3) for p in some]
    assert SqlitePersons(Database(tmp_path)).get(TAMY) in put


def test_a_reader_sees_only_whole_persons(tmp_path: Path) -> None:
    persons = SqlitePersons(Database(tmp_path))
    put = [new_person() for _ in range(60)]
    persons.put(put[0])
    with ThreadPoolExecutor(4) as pool:
        writing = pool.map(persons.put, put)
        reading = pool.map(lambda _: persons.get(TAMY), range(60))
        assert set(reading) <= set(put)
        assert list(writing) == [None] * 60
