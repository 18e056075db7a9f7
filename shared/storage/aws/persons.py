"""Enrolled people in DynamoDB: one item a person, those of a company under one partition key."""

from collections.abc import Iterator
from datetime import datetime

from pynamodb.expressions.operand import Path
from typing_extensions import override

from shared.core.errors import PersonNotFoundError
from shared.core.recognition.models import Person, PersonId
from shared.core.recognition.ports import Persons
from shared.storage.aws import dynamodb
from shared.storage.aws.dynamodb import DynamoDb, Item


class DynamoPersons(Persons):
    """Implements `Persons`; reads are strongly consistent.

    An item holds both the vector and its data key, so a put replaces and a delete removes the two
    in one step, and either can be repeated when it is not known whether it was done.
    """

    def __init__(self, client: DynamoDb, table: str) -> None:
        self._client = client
        self._table = table

    @override
    def get(self, person_id: PersonId) -> Person:
        item = self._client.get(self._table, _key(person_id))
        if not item:
            raise PersonNotFoundError(str(person_id))
        return Person(
            id=person_id,
            generation=item["generation"],
            model_version=item["model_version"],
            enrolled_at=datetime.fromisoformat(item["enrolled_at"]),
            wrapped_key=item["wrapped_key"],
            sealed_vector=item["sealed_vector"],
        )

    @override
    def put(self, person: Person) -> None:
        item = {
            **_key(person.id),
            "generation": person.generation,
            "model_version": person.model_version,
            "enrolled_at": dynamodb.timestamp(person.enrolled_at),
            "wrapped_key": person.wrapped_key,
            "sealed_vector": person.sealed_vector,
        }
        self._client.write(dynamodb.put(self._table, item))

    @override
    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        items = self._client.query(
            self._table,
            Path("tenant_company") == _partition(tenant, company),
            attributes=["user_id"],
        )
        for item in items:
            yield PersonId(tenant, company, item["user_id"])

    @override
    def delete(self, person_id: PersonId) -> None:
        self._client.write(dynamodb.delete(self._table, _key(person_id)))


def _partition(tenant: str, company: str) -> str:
    """Return the partition key; a company holds no slash, so no two pairs share one."""
    return f"{tenant}/{company}"


def _key(person_id: PersonId) -> Item:
    return {
        "tenant_company": _partition(person_id.tenant, person_id.company),
        "user_id": person_id.user_id,
    }
