"""Groups of faces in DynamoDB."""

from pynamodb.transactions import TransactWrite

from shared.core.errors import GroupExistsError, GroupNotFoundError
from shared.core.recognition.models import Group
from shared.storage.aws.tables import PURGE, ConditionError, GroupRow, Tables


class DynamoGroups:
    """Implements `Groups`; reads are strongly consistent."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def create(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExistsError: the tenant has a group of this name.
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        row = self._tables.group_row

        def write(transaction: TransactWrite) -> None:
            transaction.save(
                row(
                    group.tenant,
                    group.group_id,
                    generation=group.generation,
                    model_version=group.model_version,
                    created_at=group.created_at,
                    wrapped_key=group.wrapped_key,
                    face_count=group.face_count,
                    last_change=group.last_change,
                ),
                condition=row.group_id.does_not_exist(),
            )

        try:
            self._tables.retry.call(lambda: self._tables.commit(write))
        except ConditionError:
            raise GroupExistsError(group.group_id) from None

    def get(self, tenant: str, group_id: str) -> Group:
        """Return a group as it is now.

        Raises:
            GroupNotFoundError: the tenant has no such group.
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        return _group(self._tables.find_group(tenant, group_id))

    def get_generation(self, generation: str) -> Group:
        """Return the group of a generation as it is now.

        The index that leads from the generation to the name lags behind by moments; the group
        itself is then read strongly consistent.

        Raises:
            GroupNotFoundError: no group is of this generation, or it was made moments ago.
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        row = self._tables.group_row
        names = self._tables.retry.call(
            lambda: list(row.query(generation, index_name="by_generation", limit=1))
        )
        for name in names:
            found = self._tables.find_group(name.tenant, name.group_id)
            if found.generation == generation:
                return _group(found)
        raise GroupNotFoundError(generation)

    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        """Return up to `limit` groups with names greater than `after`, in that order."""
        row = self._tables.group_row
        rows = self._tables.retry.call(
            lambda: list(
                row.query(
                    tenant,
                    None if after is None else row.group_id > after,
                    consistent_read=True,
                    limit=limit,
                )
            )
        )
        return tuple(_group(found) for found in rows)

    def delete(self, group: Group) -> None:
        """Remove the group and its data key in one step, and note its faces for `Faces.purge`.

        Raises:
            GroupNotFoundError: this generation of the group is not there any more.
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        row = self._tables.group_row

        def write(transaction: TransactWrite) -> None:
            transaction.delete(
                row(group.tenant, group.group_id), condition=row.generation == group.generation
            )
            transaction.save(self._tables.face_row(PURGE, group.generation))

        try:
            self._tables.retry.call(lambda: self._tables.commit(write))
        except ConditionError:
            raise GroupNotFoundError(group.group_id) from None


def _group(row: GroupRow) -> Group:
    return Group(
        tenant=row.tenant,
        group_id=row.group_id,
        generation=row.generation,
        model_version=row.model_version,
        created_at=row.created_at,
        wrapped_key=row.wrapped_key,
        face_count=int(row.face_count),
        last_change=int(row.last_change),
    )
