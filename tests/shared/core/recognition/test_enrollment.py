"""Erasing enrolled people, with a receipt."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.core.errors import PersonNotFoundError
from shared.core.recognition import enrollment
from shared.core.recognition.models import Person, PersonId
from tests.fakes import InMemoryPersons

TAMY = PersonId("acme", "withmind", "tamy")
ENROLLED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PERSON = Person(TAMY, "g-1", "m-1", ENROLLED_AT, b"key", b"vector")


def test_the_receipt_says_what_was_erased_and_when() -> None:
    persons = InMemoryPersons()
    persons.put(PERSON)
    before = datetime.now(UTC)
    erasure = enrollment.erase(persons, TAMY)
    assert before <= datetime.fromisoformat(erasure.erased_at) <= datetime.now(UTC)
    assert erasure == enrollment.Erasure(
        tenant="acme",
        company="withmind",
        user_id="tamy",
        generation="g-1",
        model_version="m-1",
        enrolled_at="2026-01-02T03:04:05+00:00",
        erased_at=erasure.erased_at,
    )
    with pytest.raises(PersonNotFoundError):
        persons.get(TAMY)


def test_refuses_to_erase_a_person_who_is_not_enrolled() -> None:
    with pytest.raises(PersonNotFoundError):
        enrollment.erase(InMemoryPersons(), TAMY)


def test_every_erasure_has_its_own_receipt() -> None:
    persons = InMemoryPersons()
    receipts = set()
    for person in (PERSON, PERSON, replace(PERSON, generation="g-2")):
        persons.put(person)
        receipts.add(enrollment.erase(persons, TAMY).receipt_id)
    assert len(receipts) == 3
    assert all(len(receipt) == 64 for receipt in receipts)
