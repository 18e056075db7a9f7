"""The DynamoDB table of calls and sightings: one item a key, and one a subject of sightings."""

from collections.abc import Mapping
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shared.core.errors import StoreUnavailableError
from shared.storage.aws.retry import Retry, TryAgainError

Item = dict[str, Any]

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 1},  # `Retry` alone tries again
)
_FAILED_CONDITION = "ConditionalCheckFailedException"
_SERVER_ERROR = 500  # HTTP statuses from here on
_THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
)
_ONCE = Retry(attempts=1)


class ConditionError(Exception):
    """The condition of an update failed, and nothing was changed; `item` is what is there."""

    def __init__(self, item: Item) -> None:
        super().__init__()
        self.item = item


class UsageTable:
    """Items as plain values: numbers are Decimals, sets are sets."""

    def __init__(self, table_name: str, *, retry: Retry | None = None) -> None:
        self._client = boto3.client("dynamodb", config=_CONFIG)
        self._table_name = table_name
        self._retry = retry or Retry()

    def get(self, item_id: str) -> Item:
        """Return an item, strongly consistent; an empty one where there is none.

        Raises:
            StoreUnavailableError: DynamoDB did not answer, also after it was asked again.

        """
        return self._call("get_item", "Item", item_id, self._retry, ConsistentRead=True)

    def update(
        self,
        item_id: str,
        update: str,
        values: Mapping[str, Any],
        *,
        names: Mapping[str, str] | None = None,
        condition: str = "",
        is_repeatable: bool = True,
    ) -> Item:
        """Change an item in one step; return it as it is then.

        Args:
            item_id: of the item.
            update: UpdateExpression.
            values: ExpressionAttributeValues, by name.
            names: ExpressionAttributeNames, by name.
            condition: ConditionExpression.
            is_repeatable: whether to ask again after an answer that leaves open what happened.

        Raises:
            ConditionError: the condition failed.
            StoreUnavailableError: DynamoDB did not take it; the change may have been made.

        """
        serialise = TypeSerializer().serialize
        parameters: dict[str, Any] = {
            "UpdateExpression": update,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            parameters["ExpressionAttributeValues"] = {
                name: serialise(value) for name, value in values.items()
            }
        if names:
            parameters["ExpressionAttributeNames"] = names
        if condition:
            parameters["ConditionExpression"] = condition
        retry = self._retry if is_repeatable else _ONCE
        return self._call("update_item", "Attributes", item_id, retry, **parameters)

    def delete(self, item_id: str) -> None:
        """Delete an item, if there is one.

        Raises:
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        self._call("delete_item", "Attributes", item_id, self._retry)

    def _call(
        self, operation: str, answer: str, item_id: str, retry: Retry, **parameters: object
    ) -> Item:
        def attempt() -> Item:
            try:
                found = getattr(self._client, operation)(
                    TableName=self._table_name, Key={"id": {"S": item_id}}, **parameters
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == _FAILED_CONDITION:
                    raise ConditionError(_plain(error.response.get("Item", {}))) from None
                if _is_transient(error):
                    raise TryAgainError from error
                raise
            except BotoCoreError as error:
                raise TryAgainError from error
            return _plain(found.get(answer, {}))

        return retry.call(attempt)


def contended(item_id: str) -> StoreUnavailableError:
    """Return the error for an item that was changed by others at every attempt."""
    return StoreUnavailableError(f"too many calls change {item_id.partition(' ')[0]} at once")


def _plain(item: Mapping[str, Any]) -> Item:
    deserialise = TypeDeserializer().deserialize
    return {name: deserialise(value) for name, value in item.items()}


def _is_transient(error: ClientError) -> bool:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= _SERVER_ERROR or error.response["Error"]["Code"] in _THROTTLED
