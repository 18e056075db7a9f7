"""Enrolled people in DynamoDB: one item a person, those of a company under one partition key."""

from collections.abc import Iterator

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.models import Model

from shared.core.errors import PersonNotFoundError
from shared.core.recognition.models import Person, PersonId
from shared.storage.aws.retry import Retry

_CONNECT_TIMEOUT_S = 2.0
_READ_TIMEOUT_S = 5.0


class DynamoPersons:
    """Implements `Persons`; reads are strongly consistent.

    An item holds both the vector and its data key, so a put replaces and a delete removes the two
    in one step, and either may be sent again when it is not known what became of it.
    """

    def __init__(self, table_name: str, *, retry: Retry | None = None) -> None:
        self._row = _row_of(table_name)
        self._retry = retry or Retry()

    def get(self, person_id: PersonId) -> Person:
        """Return a person as it is now.

        Raises:
            PersonNotFoundError: it is not enrolled.
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        row, key = self._row, _key(person_id)
        try:
            found = self._retry.call(lambda: row.get(*key, consistent_read=True))
        except row.DoesNotExist:
            raise PersonNotFoundError(str(person_id)) from None
        return Person(
            id=person_id,
            generation=found.generation,
            model_version=found.model_version,
            enrolled_at=found.enrolled_at,
            wrapped_key=found.wrapped_key,
            sealed_vector=found.sealed_vector,
        )

    def put(self, person: Person) -> None:
        """Store a person, in one step in place of an earlier enrolment.

        Raises:
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        row = self._row(
            *_key(person.id),
            generation=person.generation,
            model_version=person.model_version,
            enrolled_at=person.enrolled_at,
            wrapped_key=person.wrapped_key,
            sealed_vector=person.sealed_vector,
        )
        self._retry.call(row.save)

    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        """Yield everyone whom the company has enrolled, by id.

        Raises:
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        row = self._row
        found = self._retry.call(
            lambda: list(
                row.query(
                    _partition(tenant, company),
                    attributes_to_get=["user_id"],
                    consistent_read=True,
                )
            )
        )
        for item in found:
            yield PersonId(tenant, company, item.user_id)

    def delete(self, person_id: PersonId) -> None:
        """Remove the person's vector and data key in one step, if they are there.

        Raises:
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        row = self._row(*_key(person_id))
        self._retry.call(row.delete)


class _Row(Model):
    tenant_company = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute()
    model_version = UnicodeAttribute()
    enrolled_at = UTCDateTimeAttribute()
    wrapped_key = BinaryAttribute(legacy_encoding=False)
    sealed_vector = BinaryAttribute(legacy_encoding=False)


def _row_of(table: str) -> type[_Row]:
    class Row(_Row):
        class Meta:
            table_name = table
            connect_timeout_seconds = _CONNECT_TIMEOUT_S
            read_timeout_seconds = _READ_TIMEOUT_S
            max_retry_attempts = 0  # `Retry` alone tries again

    return Row


def _partition(tenant: str, company: str) -> str:
    """Return the partition key; a company holds no slash, so no two pairs share one."""
    return f"{tenant}/{company}"


def _key(person_id: PersonId) -> tuple[str, str]:
    return _partition(person_id.tenant, person_id.company), person_id.user_id
