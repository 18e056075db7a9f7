"""The tables of keys, of their log and of their calls, on the stand-in for DynamoDB."""

import functools
from typing import Any

import boto3

from local_runner.template import resource_properties
from shared.storage.aws.items import ItemClient
from shared.storage.aws.retry import Retry
from tests.shared.storage.aws.dynamo import Dynamo, Transport

KEYS, LOG, USAGE = "KeysTable", "KeyLogTable", "UsageTable"


def create(dynamo: Dynamo) -> ItemClient:
    """Begin with these tables, empty; return a connection to them."""
    dynamo.clear()
    client, items = _clients(dynamo.transport)
    for name in (KEYS, LOG, USAGE):
        table = resource_properties(name)
        client.create_table(
            TableName=name,
            BillingMode=table["BillingMode"],
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
        )
    dynamo.transport.requests.clear()
    return items


@functools.lru_cache(maxsize=1)
def _clients(_transport: Transport) -> tuple[Any, ItemClient]:
    """Return clients that send through the transport; to make them takes longer than a test."""
    return boto3.client("dynamodb"), ItemClient(retry=Retry(attempts=3, first_s=0.001))
