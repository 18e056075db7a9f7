"""The DynamoDB tables of groups and faces: their rows, and the one connection to them.

`docs/adr/0004-dynamodb-design.md` says why the keys and indexes are as they are.
"""

import uuid
from collections.abc import Callable

from pynamodb.attributes import (
    BinaryAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.indexes import (
    AllProjection,
    GlobalSecondaryIndex,
    KeysOnlyProjection,
    LocalSecondaryIndex,
)
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from shared.core.errors import GroupNotFoundError
from shared.core.recognition.models import Group
from shared.storage.aws.retry import Retry, TryAgainError

PURGE = "purge"
"""The generation under which the faces table notes deleted groups; no group has it: a UUID."""

_CONNECT_TIMEOUT_S = 2.0
_READ_TIMEOUT_S = 5.0
_FAILED_CONDITION = "ConditionalCheckFailed"
_PASSING_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class ConditionError(Exception):
    """A transaction changed nothing: conditions failed, those of the items in `failed`.

    Items count from 0, in the order deletes, puts, updates.
    """

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__(f"the conditions of items {sorted(failed)} failed")
        self.failed = failed


class _ByGeneration(GlobalSecondaryIndex["GroupRow"]):  # type: ignore[no-untyped-call]
    """The names of groups by what is unique for ever; no change of a count touches it."""

    class Meta:
        index_name = "by_generation"
        projection = KeysOnlyProjection()

    generation = UnicodeAttribute(hash_key=True)


class GroupRow(Model):
    """A group; the counts change with every face."""

    tenant = UnicodeAttribute(hash_key=True)
    group_id = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute()
    model_version = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    wrapped_key = BinaryAttribute(legacy_encoding=False)
    face_count = NumberAttribute()
    last_change = NumberAttribute()

    by_generation = _ByGeneration()


class _ByAdded(LocalSecondaryIndex["FaceRow"]):  # type: ignore[no-untyped-call]
    """The faces that are there, by the change that added them."""

    class Meta:
        index_name = "by_added"
        projection = AllProjection()

    generation = UnicodeAttribute(hash_key=True)
    added = NumberAttribute(range_key=True)


class _ByRemoved(LocalSecondaryIndex["FaceRow"]):  # type: ignore[no-untyped-call]
    """The tombstones, by the change that removed the face."""

    class Meta:
        index_name = "by_removed"
        projection = KeysOnlyProjection()

    generation = UnicodeAttribute(hash_key=True)
    removed = NumberAttribute(range_key=True)


class _ByLabel(LocalSecondaryIndex["FaceRow"]):  # type: ignore[no-untyped-call]
    """The faces that are there and have a label."""

    class Meta:
        index_name = "by_label"
        projection = KeysOnlyProjection()

    generation = UnicodeAttribute(hash_key=True)
    external_image_id = UnicodeAttribute(range_key=True)


class FaceRow(Model):
    """A face, a tombstone (`removed` alone), or the note of a deleted group (the keys alone)."""

    generation = UnicodeAttribute(hash_key=True)
    face_id = UnicodeAttribute(range_key=True)
    added = NumberAttribute(null=True)
    removed = NumberAttribute(null=True)
    image_id = UnicodeAttribute(null=True)
    external_image_id = UnicodeAttribute(null=True)
    box: ListAttribute[float] = ListAttribute(of=NumberAttribute, null=True)  # type: ignore[arg-type]
    confidence = NumberAttribute(null=True)
    sealed_vector = BinaryAttribute(null=True, legacy_encoding=False)

    by_added = _ByAdded()
    by_removed = _ByRemoved()
    by_label = _ByLabel()


class Tables:
    """Both tables over one client: a client costs 60 ms to make and a TLS handshake to use."""

    def __init__(self, groups_table: str, faces_table: str, *, retry: Retry | None = None) -> None:
        self._connection = Connection(
            connect_timeout_seconds=_CONNECT_TIMEOUT_S,
            read_timeout_seconds=_READ_TIMEOUT_S,
            max_retry_attempts=0,  # `retry` alone tries again
        )
        self.retry = retry or Retry()
        self.group_row = _group_row(groups_table)
        self.face_row = _face_row(faces_table)
        self._share_connection(self.group_row)
        self._share_connection(self.face_row)

    def find_group(self, tenant: str, group_id: str) -> GroupRow:
        """Return the row of a group, strongly consistent.

        Raises:
            GroupNotFoundError: there is none.

        """
        row = self.group_row
        try:
            return self.retry.call(lambda: row.get(tenant, group_id, consistent_read=True))
        except row.DoesNotExist:
            raise GroupNotFoundError(group_id) from None

    def get_generation(self, group: Group) -> GroupRow:
        """Return the row of this generation of a group, strongly consistent.

        Raises:
            GroupNotFoundError: this generation is not there any more.

        """
        row = self.find_group(group.tenant, group.group_id)
        if row.generation != group.generation:
            raise GroupNotFoundError(group.group_id)
        return row

    def commit(self, write: Callable[[TransactWrite], None]) -> None:
        """Write a transaction. `write` puts the same items into it each time it is called.

        An answer that leaves open what happened (a timeout, a 5xx) is followed by the same
        request with the same token, which DynamoDB applies only once.

        Raises:
            ConditionError: a condition failed, and nothing was changed.
            TryAgainError: another transaction was at the items, and nothing was changed.
            StoreUnavailableError: it failed at every attempt.

        """
        token = str(uuid.uuid4())

        def attempt() -> None:
            with TransactWrite(
                connection=self._connection, client_request_token=token
            ) as transaction:
                write(transaction)

        try:
            self.retry.call(attempt)
        except TransactWriteError as error:
            _raise_cancellation(error)
            raise

    def _share_connection(self, row: type[Model]) -> None:
        own = row._get_connection()  # a description of the table; no client is made yet
        self._connection.add_meta_table(own.get_meta_table())
        own.connection = self._connection


def _group_row(table: str) -> type[GroupRow]:
    class Row(GroupRow):
        class Meta:
            table_name = table

    return Row


def _face_row(table: str) -> type[FaceRow]:
    class Row(FaceRow):
        class Meta:
            table_name = table

    return Row


def _raise_cancellation(error: TransactWriteError) -> None:
    """Raise what the reasons of a cancelled transaction mean, if they mean anything here."""
    codes = [reason.code if reason else None for reason in error.cancellation_reasons]
    failed = frozenset(i for i, code in enumerate(codes) if code == _FAILED_CONDITION)
    if failed:
        raise ConditionError(failed) from error
    if _PASSING_REASONS.intersection(codes):
        raise TryAgainError from error
