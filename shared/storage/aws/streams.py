"""The stream of a DynamoDB table, for those who follow it outside of Lambda.

Source: "Reading and processing a stream" of the DynamoDB guide.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
)
_MAX = 1000  # records a call, as DynamoDB has it


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a stream. What its parent tells is older than what it tells."""

    identity: str
    parent: str | None


class TableStream:
    """Records as Lambda gives them to functions, but for values that are binary."""

    def __init__(self, table: str) -> None:
        """Take the name of a table."""
        self._table = table
        self._dynamodb = boto3.client("dynamodb", config=_CONFIG)
        self._streams = boto3.client("dynamodbstreams", config=_CONFIG)

    @cached_property
    def arn(self) -> str:
        """The stream's name among all of AWS.

        Raises:
            BotoCoreError: DynamoDB cannot be reached.
            ClientError: DynamoDB refuses the call.
            KeyError: the table has no stream.

        """
        arn: str = self._dynamodb.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        return arn

    def shards(self) -> list[Shard]:
        """Return all shards that are left of the last day."""
        found: list[Shard] = []
        place: dict[str, str] = {}
        while True:
            page = self._streams.describe_stream(StreamArn=self.arn, **place)["StreamDescription"]
            found += [
                Shard(shard["ShardId"], shard.get("ParentShardId")) for shard in page["Shards"]
            ]
            if "LastEvaluatedShardId" not in page:
                return found
            place = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def iterator(self, shard: str, *, after: str | None) -> str:
        """Return where to read on in a shard: after a sequence number, or from what is left.

        Where records after the number were trimmed, too, that is the oldest that is left.
        """
        oldest = {"StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        if after is None:
            return self._iterator(oldest)
        try:
            return self._iterator(
                {
                    **oldest,
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "SequenceNumber": after,
                }
            )
        except self._streams.exceptions.TrimmedDataAccessException:
            return self._iterator(oldest)

    def read(self, iterator: str, limit: int) -> tuple[list[dict[str, Any]], str | None] | None:
        """Return up to `limit` records, and where to read on: None at a shard's end.

        Returns:
            None where the iterator is too old: it lives for 15 minutes.

        """
        exceptions = self._streams.exceptions
        try:
            answer = self._streams.get_records(ShardIterator=iterator, Limit=min(limit, _MAX))
        except (exceptions.ExpiredIteratorException, exceptions.TrimmedDataAccessException):
            return None
        return [self._record(record) for record in answer["Records"]], answer.get(
            "NextShardIterator"
        )

    def _iterator(self, place: dict[str, str]) -> str:
        iterator: str = self._streams.get_shard_iterator(**place)["ShardIterator"]
        return iterator

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        change = record["dynamodb"]
        return {
            **record,
            "eventSourceARN": self.arn,
            "dynamodb": {
                **change,
                "ApproximateCreationDateTime": change["ApproximateCreationDateTime"].timestamp(),
            },
        }
