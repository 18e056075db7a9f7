"""Groups of faces in DynamoDB."""

from dataclasses import asdict, fields
from datetime import datetime

from pynamodb.expressions.operand import Path
from typing_extensions import override

from shared.core.errors import GroupExistsError, GroupNotFoundError
from shared.core.recognition.models import Group
from shared.core.recognition.ports import Groups
from shared.storage.aws import dynamodb
from shared.storage.aws.dynamodb import ConditionError, ConflictError, DynamoDb, Item

PURGE = "purge"
"""The generation under which the faces table notes deleted groups; no group has it: a UUID."""


class DynamoGroups(Groups):
    """Implements `Groups`; reads are strongly consistent.

    `docs/adr/0004-dynamodb-design.md` says why the keys and indexes are as they are.
    """

    def __init__(self, client: DynamoDb, groups_table: str, faces_table: str) -> None:
        self._client = client
        self._table = groups_table
        self._faces_table = faces_table

    @override
    def create(self, group: Group) -> None:
        put = dynamodb.put(
            self._table, _item(group), conditions=[Path("group_id").does_not_exist()]
        )
        try:
            self._client.retry.call(lambda: self._client.transact([put]), on=ConflictError)
        except ConditionError:
            raise GroupExistsError(group.group_id) from None

    @override
    def get(self, tenant: str, group_id: str) -> Group:
        item = self._client.get(self._table, _key(tenant, group_id))
        if not item:
            raise GroupNotFoundError(group_id)
        return _group(item)

    @override
    def get_generation(self, generation: str) -> Group:
        """Return the group of a generation as it is now.

        The index that leads from the generation to the name lags behind by moments; the group
        itself is then read strongly consistent.
        """
        names = self._client.query(
            self._table,
            Path("generation") == generation,
            index="by_generation",
            is_consistent=False,
            limit=1,
        )
        for name in names:
            found = self.get(name["tenant"], name["group_id"])
            if found.generation == generation:
                return found
        raise GroupNotFoundError(generation)

    @override
    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        conditions = [Path("tenant") == tenant]
        if after is not None:
            conditions.append(Path("group_id") > after)
        return tuple(map(_group, self._client.query(self._table, *conditions, limit=limit)))

    @override
    def delete(self, group: Group) -> None:
        writes = [
            dynamodb.delete(
                self._table,
                _key(group.tenant, group.group_id),
                conditions=[Path("generation") == group.generation],
            ),
            dynamodb.put(self._faces_table, {"generation": PURGE, "face_id": group.generation}),
        ]
        try:
            self._client.retry.call(lambda: self._client.transact(writes), on=ConflictError)
        except ConditionError:
            raise GroupNotFoundError(group.group_id) from None


def _key(tenant: str, group_id: str) -> Item:
    return {"tenant": tenant, "group_id": group_id}


def _item(group: Group) -> Item:
    return {**asdict(group), "created_at": dynamodb.timestamp(group.created_at)}


def _group(item: Item) -> Group:
    known = {
        field.name: item[field.name] for field in fields(Group)
    }  # a newer version may add some
    return Group(**{**known, "created_at": datetime.fromisoformat(item["created_at"])})
