"""A DynamoDB client for items of plain values: numbers are Decimals, sets are sets."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from shared.core.errors import StoreUnavailableError
from shared.storage.aws.failures import is_transient
from shared.storage.aws.retry import Retry, TryAgainError

Item = dict[str, Any]

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 1},  # `Retry` alone tries again
)
_FAILED_CONDITION = "ConditionalCheckFailedException"
_TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionCanceledException",  # ours have no conditions: another transaction was there
        "TransactionInProgressException",
    }
)
_ONCE = Retry(attempts=1)


class ConditionError(Exception):
    """The condition of an update failed, and nothing was changed; `item` is what is there."""

    def __init__(self, item: Item) -> None:
        super().__init__()
        self.item = item


class ItemClient:
    """One connection to all tables of keys; each call is retried after a transient error."""

    def __init__(self, *, retry: Retry | None = None) -> None:
        self._client = boto3.client("dynamodb", config=_CONFIG)
        self._retry = retry or Retry()

    def get(self, table: str, key: Item) -> Item:
        """Return an item, strongly consistent; an empty one where there is none.

        Raises:
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        found = self._call("get_item", TableName=table, Key=_typed(key), ConsistentRead=True)
        return _plain(found.get("Item", {}))

    def scan(self, table: str) -> Iterator[Item]:
        """Yield every item of a table, strongly consistent.

        Raises:
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        for page in self.scan_pages(table):
            yield from page

    def scan_pages(self, table: str, *, is_consistent: bool = True) -> Iterator[list[Item]]:
        """Yield every item of a table, in pages of a megabyte at most; some may be empty.

        What is read inconsistently costs half, and may be a moment old.

        Raises:
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        place: dict[str, Any] = {}
        while True:
            page = self._call("scan", TableName=table, ConsistentRead=is_consistent, **place)
            yield [_plain(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return
            place = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def update(
        self,
        table: str,
        key: Item,
        update: str,
        values: Item,
        *,
        names: Mapping[str, str] | None = None,
        condition: str = "",
        is_repeatable: bool = True,
    ) -> Item:
        """Change an item in one step; return it as it is then.

        Args:
            table: the name of the table.
            key: of the item.
            update: UpdateExpression.
            values: ExpressionAttributeValues, by name.
            names: ExpressionAttributeNames, by name.
            condition: ConditionExpression.
            is_repeatable: whether to ask again after an answer that leaves open what happened.

        Raises:
            ConditionError: the condition failed.
            StoreUnavailableError: DynamoDB did not take it; the change may have been made.

        """
        optional = {
            "ExpressionAttributeValues": _typed(values),
            "ExpressionAttributeNames": names,
            "ConditionExpression": condition,
        }
        updated = self._call(
            "update_item",
            retry=self._retry if is_repeatable else _ONCE,
            TableName=table,
            Key=_typed(key),
            UpdateExpression=update,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **{name: value for name, value in optional.items() if value},
        )
        return _plain(updated["Attributes"])

    def delete(self, table: str, key: Item) -> None:
        """Delete an item, if there is one.

        Raises:
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        self._call("delete_item", TableName=table, Key=_typed(key))

    def write_all(
        self, *, put: Sequence[tuple[str, Item]], delete: Sequence[tuple[str, Item]]
    ) -> None:
        """Put items into tables, and delete those of keys, all of it or nothing.

        Raises:
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        self._call(
            "transact_write_items",
            TransactItems=[
                *({"Put": {"TableName": table, "Item": _typed(item)}} for table, item in put),
                *({"Delete": {"TableName": table, "Key": _typed(key)}} for table, key in delete),
            ],
            ClientRequestToken=str(uuid.uuid4()),  # what was taken once is not taken again
        )

    def _call(
        self, operation: str, *, retry: Retry | None = None, **parameters: Any
    ) -> dict[str, Any]:
        def attempt() -> dict[str, Any]:
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
            except ClientError as error:
                if error.response["Error"]["Code"] == _FAILED_CONDITION:
                    raise ConditionError(_plain(error.response.get("Item", {}))) from None
                if is_transient(error, _TRANSIENT):
                    raise TryAgainError from error
                raise
            except (HTTPClientError, NoConnectionError) as error:
                raise TryAgainError from error
            return answer

        return (retry or self._retry).call(attempt)


def contended(what: str) -> StoreUnavailableError:
    """Return the error for an item that others changed at every attempt."""
    return StoreUnavailableError(f"too many calls change the {what} at once")


def _typed(values: Item) -> dict[str, Any]:
    serialise = TypeSerializer().serialize
    return {name: serialise(value) for name, value in values.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    deserialise = TypeDeserializer().deserialize
    return {name: deserialise(value) for name, value in item.items()}
