"""DynamoDB for all tables: one connection, and items as plain Python values.

PynamoDB makes the connection and builds expressions from `Path`s; the adapters map items to the
models of the core. `docs/adr/0009-one-dynamodb-client.md` says why there are no PynamoDB models.
"""

import functools
import itertools
import operator
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from botocore.exceptions import ClientError
from pynamodb.attributes import MapAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import VerboseClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.projection import create_projection_expression
from pynamodb.expressions.update import Action, Update

from shared.core.errors import StoreUnavailableError
from shared.storage.aws import config
from shared.storage.aws.errors import translate
from shared.storage.aws.retry import Retry

Item = dict[str, Any]

_MAP: Any = MapAttribute()  # type: ignore[no-untyped-call] # nor have its methods types
_GET_BATCH = 100  # keys of a BatchGetItem
_TRANSIENT_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_ONCE = Retry(attempts=1)


class ConditionError(Exception):
    """Conditions failed, and nothing was changed.

    Attributes:
        failed: the positions of the writes whose conditions failed in their transaction.
        item: what is there, where a single write failed.
    """

    def __init__(self, failed: set[int], item: Item | None = None) -> None:
        super().__init__(f"the conditions of the writes {sorted(failed)} failed")
        self.failed = failed
        self.item = item or {}


class ConflictError(Exception):
    """Another transaction changes the same items, and nothing was changed: read again."""


@dataclass(frozen=True, slots=True)
class Write:
    """A change of one item, alone or in a transaction; `put`, `update` and `delete` make it."""

    operation: Literal["Put", "Update", "Delete"]
    parameters: dict[str, Any]


def put(table: str, item: Item, *, conditions: Sequence[Condition] = ()) -> Write:
    """Store an item, in place of an earlier one, if all conditions hold."""
    parameters = {"TableName": table, "Item": _MAP.serialize(item), **_expressions(conditions)}
    return Write("Put", parameters)


def update(
    table: str, key: Item, actions: Sequence[Action], *, conditions: Sequence[Condition] = ()
) -> Write:
    """Change parts of an item if all conditions hold; create it if it does not exist."""
    expressions = _expressions(conditions, actions=actions)
    return Write("Update", {"TableName": table, "Key": _MAP.serialize(key), **expressions})


def delete(table: str, key: Item, *, conditions: Sequence[Condition] = ()) -> Write:
    """Delete an item, if it exists, if all conditions hold."""
    parameters = {"TableName": table, "Key": _MAP.serialize(key), **_expressions(conditions)}
    return Write("Delete", parameters)


def timestamp(at: datetime) -> str:
    """Return a time as the tables hold it, which `datetime.fromisoformat` reads."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f%z")


class DynamoDb:
    """The connection to all tables: a client takes 60 ms to make and a TLS handshake to use.

    A call is retried after a transient error. Each method raises StoreUnavailableError when it
    failed at every attempt; what a write asked for may then have been done.
    """

    def __init__(self, *, retry: Retry | None = None) -> None:
        self.retry = retry or Retry()
        self._connection = Connection(
            connect_timeout_seconds=config.CONNECT_TIMEOUT_S,
            read_timeout_seconds=config.DYNAMODB_READ_TIMEOUT_S,
            max_retry_attempts=0,  # `retry` alone tries again
        )

    def get(self, table: str, key: Item) -> Item:
        """Return an item, strongly consistent; an empty one if it does not exist."""
        found = self._call("GetItem", TableName=table, Key=_MAP.serialize(key), ConsistentRead=True)
        return _plain(found.get("Item", {}))

    def get_many(self, table: str, keys: Sequence[Item]) -> Iterator[Item]:
        """Yield the items of these keys that are there, strongly consistent, in any order."""
        for start in range(0, len(keys), _GET_BATCH):
            batch = [_MAP.serialize(key) for key in keys[start : start + _GET_BATCH]]
            request: Any = {table: {"Keys": batch, "ConsistentRead": True}}
            while request:  # DynamoDB may leave keys out, but each time it answers some
                answer = self._call("BatchGetItem", RequestItems=request)
                yield from map(_plain, answer["Responses"][table])
                request = answer.get("UnprocessedKeys")

    def query(
        self,
        table: str,
        *conditions: Condition,
        index: str | None = None,
        is_consistent: bool = True,
        newest_first: bool = False,
        limit: int | None = None,
        attributes: Sequence[str] = (),
    ) -> list[Item]:
        """Return the items whose keys meet all conditions, in the order of their sort keys.

        Args:
            table: the name of the table.
            conditions: on the keys of the table or of the index.
            index: the name of the index.
            is_consistent: whether to read strongly consistent, which a global index cannot.
            newest_first: whether to return the greatest sort keys first.
            limit: the most items to return.
            attributes: those to return; all of them where none is named.
        """
        optional = {"IndexName": index, "Limit": limit}
        pages = self._pages(
            "Query",
            TableName=table,
            ConsistentRead=is_consistent,
            ScanIndexForward=not newest_first,
            **{name: value for name, value in optional.items() if value is not None},
            **_expressions(conditions, name="KeyConditionExpression", attributes=attributes),
        )
        return list(itertools.islice(itertools.chain.from_iterable(pages), limit))

    def scan(self, table: str, *, is_consistent: bool = True) -> Iterator[list[Item]]:
        """Yield every item of a table, in pages of up to a megabyte; some may be empty.

        An inconsistent read costs half, and may be a moment old.
        """
        return self._pages("Scan", TableName=table, ConsistentRead=is_consistent)

    def write(self, write: Write, *, is_repeatable: bool = True) -> Item:
        """Make a change in one step; return the item after an update, else an empty one.

        Args:
            write: the change.
            is_repeatable: whether to try again after an answer that leaves open what happened.

        Raises:
            ConditionError: a condition failed.
        """
        options = {}
        if write.operation == "Update":
            options["ReturnValues"] = "ALL_NEW"
            options["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        retry = self.retry if is_repeatable else _ONCE
        answer = self._call(f"{write.operation}Item", retry, **write.parameters, **options)
        return _plain(answer.get("Attributes", {}))

    def transact(self, writes: Sequence[Write]) -> None:
        """Make all changes, or none.

        An answer that leaves open what happened (a timeout, a 5xx) is followed by the same
        request with the same token, which DynamoDB applies only once.

        Raises:
            ConditionError: conditions failed.
            ConflictError: another transaction changes the same items.
        """
        self._call(
            "TransactWriteItems",
            TransactItems=[{write.operation: write.parameters} for write in writes],
            ClientRequestToken=str(uuid.uuid4()),
        )

    def delete_many(self, table: str, keys: Sequence[Item]) -> None:
        """Delete up to 25 items; those that are not there are skipped."""
        left = [{"DeleteRequest": {"Key": _MAP.serialize(key)}} for key in keys]

        def attempt() -> None:
            answer = self._call("BatchWriteItem", _ONCE, RequestItems={table: left})
            left[:] = answer.get("UnprocessedItems", {}).get(table, [])
            if left:
                raise StoreUnavailableError("DynamoDB left out a part of a batch")

        if left:
            self.retry.call(attempt)

    def _pages(self, operation: str, **parameters: Any) -> Iterator[list[Item]]:
        while True:
            page = self._call(operation, **parameters)
            yield [_plain(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _call(
        self, operation: str, retry: Retry | None = None, **parameters: Any
    ) -> dict[str, Any]:
        def attempt() -> dict[str, Any]:
            with translate("DynamoDB"), _failed_conditions():
                return self._connection.dispatch(operation, parameters)

        return (retry or self.retry).call(attempt)


@contextmanager
def _failed_conditions() -> Iterator[None]:
    """Raise what a failed condition means; unwrap other errors, as botocore raised them."""
    try:
        yield
    except VerboseClientError as error:
        original = error.__cause__  # has the whole answer, of which PynamoDB keeps a part
        if not isinstance(original, ClientError):
            raise
        if original.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise ConditionError({0}, _plain(original.response.get("Item", {}))) from None
        reasons = [reason.code if reason else None for reason in error.cancellation_reasons]
        failed = {i for i, code in enumerate(reasons) if code == "ConditionalCheckFailed"}
        if failed:
            raise ConditionError(failed) from original
        if _TRANSIENT_REASONS.intersection(reasons):
            raise ConflictError from original
        raise original from None


def _plain(item: dict[str, Any]) -> Item:
    plain: Item = _MAP.deserialize(item)
    return plain


def _expressions(
    conditions: Sequence[Condition],
    *,
    name: str = "ConditionExpression",
    actions: Sequence[Action] = (),
    attributes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the expressions of a request, with their names and values."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    expressions: dict[str, Any] = {"UpdateExpression": Update(*actions).serialize(names, values)}
    if conditions:
        expressions[name] = functools.reduce(operator.and_, conditions).serialize(names, values)
    if attributes:
        expressions["ProjectionExpression"] = create_projection_expression(list(attributes), names)
    expressions["ExpressionAttributeNames"] = {mark: path for path, mark in names.items()}
    expressions["ExpressionAttributeValues"] = values
    return {part: value for part, value in expressions.items() if value}
