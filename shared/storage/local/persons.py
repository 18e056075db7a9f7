"""Enrolled people in SQLite."""

from collections.abc import Iterator
from datetime import datetime

from shared.core.errors import PersonNotFoundError
from shared.core.recognition.models import Person, PersonId
from shared.storage.local.database import Database

_CONTENT = "generation, model_version, enrolled_at, wrapped_key, sealed_vector"
_KEY = "tenant = ? AND company = ? AND user_id = ?"


class SqlitePersons:
    """Implements `Persons`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, person_id: PersonId) -> Person:
        """Return a person as it is now.

        Raises:
            PersonNotFoundError: it is not enrolled.
            StoreUnavailableError: the database was locked for too long.

        """
        rows = self._database.read(
            f"SELECT {_CONTENT} FROM person WHERE {_KEY}",  # noqa: S608 - fixed text
            _key(person_id),
        )
        if not rows:
            raise PersonNotFoundError(str(person_id))
        generation, model_version, enrolled_at, wrapped_key, sealed_vector = rows[0]
        return Person(
            id=person_id,
            generation=generation,
            model_version=model_version,
            enrolled_at=datetime.fromisoformat(enrolled_at),
            wrapped_key=wrapped_key,
            sealed_vector=sealed_vector,
        )

    def put(self, person: Person) -> None:
        """Store a person, in one step in place of an earlier enrolment.

        Raises:
            StoreUnavailableError: other writers held the database for too long.

        """
        with self._database.transaction() as connection:
            connection.execute(
                f"INSERT INTO person (tenant, company, user_id, {_CONTENT})"  # noqa: S608
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
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

    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        """Yield everyone whom the company has enrolled, by id."""
        rows = self._database.read(
            "SELECT user_id FROM person WHERE tenant = ? AND company = ? ORDER BY user_id",
            (tenant, company),
        )
        for (user_id,) in rows:
            yield PersonId(tenant, company, user_id)

    def delete(self, person_id: PersonId) -> None:
        """Remove the person's vector and data key, also from the write-ahead log.

        Raises:
            StoreUnavailableError: other writers held the database for too long.

        """
        with self._database.transaction() as connection:
            connection.execute(f"DELETE FROM person WHERE {_KEY}", _key(person_id))  # noqa: S608
        self._database.checkpoint()


def _key(person_id: PersonId) -> tuple[str, str, str]:
    return person_id.tenant, person_id.company, person_id.user_id
