"""The tables of keys, their log and their calls, on the stand-in for DynamoDB."""

import functools

from shared.storage.aws.dynamodb import DynamoDb
from shared.storage.aws.retry import Retry
from tests.shared.storage.aws.dynamo import Dynamo, Transport

KEYS, LOG, USAGE = "KeysTable", "KeyLogTable", "UsageTable"


def create(dynamo: Dynamo) -> DynamoDb:
    """Start with these tables, empty; return a connection to them."""
    dynamo.clear()
    dynamo.make(KEYS, LOG, USAGE)
    return _client(dynamo.transport)


@functools.lru_cache(maxsize=1)
def _client(_transport: Transport) -> DynamoDb:
    """Return a client that sends through the transport; creating it takes longer than a test."""
    return DynamoDb(retry=Retry(attempts=3, first_pause_s=0.001))
