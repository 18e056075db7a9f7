"""The tables of keys, of their log and of their calls, on the stand-in for DynamoDB."""

import functools

from shared.storage.aws.items import ItemClient
from shared.storage.aws.retry import Retry
from tests.shared.storage.aws.dynamo import Dynamo, Transport

KEYS, LOG, USAGE = "KeysTable", "KeyLogTable", "UsageTable"


def create(dynamo: Dynamo) -> ItemClient:
    """Begin with these tables, empty; return a connection to them."""
    dynamo.clear()
    dynamo.make(KEYS, LOG, USAGE)
    return _items(dynamo.transport)


@functools.lru_cache(maxsize=1)
def _items(_transport: Transport) -> ItemClient:
    """Return a client that sends through the transport; to make it takes longer than a test."""
    return ItemClient(retry=Retry(attempts=3, first_s=0.001))
