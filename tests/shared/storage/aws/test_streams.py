"""The stream of a DynamoDB table, when DynamoDB says that what is asked for is too old."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from shared.storage.aws.streams import TableStream
from tests.shared.storage.aws.dynamo import Dynamo, Fault, running


@dataclass
class Followed:
    """A table with three rows, its stream, and what stands in for DynamoDB."""

    stream: TableStream
    dynamo: Dynamo

    def fail(self, operation: str, code: str) -> None:
        self.dynamo.transport.fail(Fault(operation, code=code), times=1)

    def read(self, iterator: str) -> list[str]:
        answer = self.stream.read(iterator, 10)
        assert answer is not None
        return [record["dynamodb"]["SequenceNumber"] for record in answer[0]]


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Followed]:
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # or moto misses the streams
    with running() as dynamo:
        client: Any = boto3.client("dynamodb")
        client.create_table(
            TableName="T",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        for key in "abc":
            client.put_item(TableName="T", Item={"k": {"S": key}})
        yield Followed(TableStream("T"), dynamo)


def test_reads_from_the_oldest_record_or_after_one(followed: Followed) -> None:
    (shard,) = followed.stream.shards()
    first, second, third = followed.read(followed.stream.iterator(shard.identity, after=None))
    assert followed.read(followed.stream.iterator(shard.identity, after=first)) == [second, third]


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "TrimmedDataAccessException"])
def test_an_iterator_that_is_too_old_is_no_error(followed: Followed, code: str) -> None:
    (shard,) = followed.stream.shards()
    iterator = followed.stream.iterator(shard.identity, after=None)
    followed.fail("GetRecords", code)
    assert followed.stream.read(iterator, 10) is None


def test_where_the_records_after_one_were_trimmed_it_begins_with_the_oldest(
    followed: Followed,
) -> None:
    (shard,) = followed.stream.shards()
    numbers = followed.read(followed.stream.iterator(shard.identity, after=None))
    followed.fail("GetShardIterator", "TrimmedDataAccessException")
    assert followed.read(followed.stream.iterator(shard.identity, after=numbers[1])) == numbers
