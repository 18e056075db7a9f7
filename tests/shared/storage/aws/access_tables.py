"""The tables of keys, of their log and of their calls, on the stand-in for DynamoDB."""

import boto3

from local_runner.template import resource_properties
from tests.shared.storage.aws.dynamo import Dynamo

KEYS, LOG, USAGE = "KeysTable", "KeyLogTable", "UsageTable"


def create(dynamo: Dynamo) -> None:
    """Begin with these tables, empty."""
    dynamo.clear()
    client = boto3.client("dynamodb")
    for name in (KEYS, LOG, USAGE):
        table = resource_properties(name)
        client.create_table(
            TableName=name,
            BillingMode=table["BillingMode"],
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
        )
    dynamo.transport.requests.clear()
