"""The commands `persons list` and `persons erase`."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.config import ROOT
from shared.core.errors import PersonNotFoundError
from shared.core.recognition.models import Person, PersonId
from shared.storage.local.database import Database
from shared.storage.local.persons import SqlitePersons

ENROLLED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def persons(tmp_path: Path) -> SqlitePersons:
    """A store with three people of two companies."""
    persons = SqlitePersons(Database(tmp_path))
    for company, user_id in [("withmind", "tamy"), ("withmind", "bob"), ("other", "tamy")]:
        person_id = PersonId("public", company, user_id)
        persons.put(
            Person(person_id, f"g-{user_id}", "m-1", ENROLLED_AT, os.urandom(61), os.urandom(541))
        )
    return persons


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local_runner", "persons", *arguments],
        cwd=ROOT, env={"DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def erased(persons: SqlitePersons, company: str, user_id: str) -> bool:
    try:
        persons.get(PersonId("public", company, user_id))
    except PersonNotFoundError:
        return True
    return False


@pytest.mark.usefixtures("persons")
def test_lists_the_ids_of_a_company(tmp_path: Path) -> None:
    assert run(tmp_path, "list", "withmind").stdout == "bob\ntamy\n"
    assert run(tmp_path, "list", "nobody").stdout == ""
    assert run(tmp_path, "list", "withmind", "--tenant", "acme").stdout == ""


def test_erases_one_person_and_prints_a_receipt(persons: SqlitePersons, tmp_path: Path) -> None:
    done = run(tmp_path, "erase", "withmind", "tamy", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    receipt = json.loads(done.stdout)
    receipt_id = receipt.pop("receipt_id")
    content = json.dumps(receipt, sort_keys=True, ensure_ascii=False).encode()
    assert receipt_id == hashlib.sha256(content).hexdigest()
    erased_at = datetime.fromisoformat(receipt.pop("erased_at"))
    assert abs(datetime.now(UTC) - erased_at) < timedelta(minutes=1)
    assert receipt == {
        "tenant": "public",
        "company": "withmind",
        "user_id": "tamy",
        "generation": "g-tamy",
        "model_version": "m-1",
        "enrolled_at": ENROLLED_AT.isoformat(),
    }
    assert erased(persons, "withmind", "tamy")
    assert not erased(persons, "withmind", "bob")
    assert not erased(persons, "other", "tamy")


@pytest.mark.usefixtures("persons")
def test_prints_a_receipt_as_text(tmp_path: Path) -> None:
    lines = run(tmp_path, "erase", "withmind", "bob").stdout.splitlines()
    assert lines[0].startswith("receipt_id")
    assert "user_id        bob" in lines


def test_erases_a_whole_company(persons: SqlitePersons, tmp_path: Path) -> None:
    done = run(tmp_path, "erase", "withmind", "--all", "--json")
    receipts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [receipt["user_id"] for receipt in receipts] == ["bob", "tamy"]
    assert erased(persons, "withmind", "tamy")
    assert erased(persons, "withmind", "bob")
    assert not erased(persons, "other", "tamy")


@pytest.mark.usefixtures("persons")
@pytest.mark.parametrize(
    "arguments", [["withmind", "eve"], ["nobody", "--all"], ["withmind", "bob", "--tenant=acme"]]
)
def test_refuses_to_erase_a_person_who_is_not_enrolled(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = run(tmp_path, "erase", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nobody of this name" in done.stderr


@pytest.mark.usefixtures("persons")
@pytest.mark.parametrize("arguments", [["withmind"], ["withmind", "bob", "--all"], []])
def test_refuses_to_erase_without_an_id_or_all(tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path, "erase", *arguments).returncode == 2
    assert run(tmp_path, "list", "withmind").stdout == "bob\ntamy\n"
