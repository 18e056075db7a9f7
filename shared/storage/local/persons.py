"""Enrolled people in SQLite."""

from collections.abc import Iterator
from datetime import datetime

from typing_extensions import override

from shared.core.errors import PersonNotFoundError
from shared.core.recognition.models import Person, PersonId
from shared.core.recognition.ports import Persons
from shared.storage.local.database import Database

_CONTENT = "generation, model_version, enrolled_at, wrapped_key, sealed_vector"
_KEY = "tenant = ? AND company = ? AND user_id = ?"


class SqlitePersons(Persons):
    """Implements `Persons`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def get(self, person_id: PersonId) -> Person:
        records = self._database.records(
            f"SELECT {_CONTENT} FROM person WHERE {_KEY}",  # noqa: S608 - fixed text
            _key(person_id),
        )
        if not records:
            raise PersonNotFoundError(str(person_id))
        (record,) = records
        enrolled_at = datetime.fromisoformat(record["enrolled_at"])
        return Person(id=person_id, **{**record, "enrolled_at": enrolled_at})

    @override
    def put(self, person: Person) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET generation = excluded.generation,"
                " model_version = excluded.model_version, enrolled_at = excluded.enrolled_at,"
                " wrapped_key = excluded.wrapped_key, sealed_vector = excluded.sealed_vector",
                (
                    *_key(person.id),
                    person.generation,
                    person.model_version,
                    person.enrolled_at.isoformat(),
                    person.wrapped_key,
                    person.sealed_vector,
                ),
            )

    @override
    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        rows = self._database.read(
            "SELECT user_id FROM person WHERE tenant = ? AND company = ? ORDER BY user_id",
            (tenant, company),
        )
        for (user_id,) in rows:
            yield PersonId(tenant, company, user_id)

    @override
    def delete(self, person_id: PersonId) -> None:
        """Remove the person's vector and data key, also from the write-ahead log."""
        with self._database.transaction() as connection:
            connection.execute(f"DELETE FROM person WHERE {_KEY}", _key(person_id))  # noqa: S608
        self._database.checkpoint()


def _key(person_id: PersonId) -> tuple[str, str, str]:
    return person_id.tenant, person_id.company, person_id.user_id
