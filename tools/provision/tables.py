"""DynamoDB tables: their keys, indexes, streams, encryption, backups and times to live."""

from collections.abc import Mapping
from typing import Any

from tools.provision.endpoint import Endpoint
from tools.provision.errors import ProvisionError
from tools.provision.resource import Maker, Properties, Resource

_INDEXES = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")
_AS_GIVEN = (
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "ProvisionedThroughput",
    "TableClass",
    "DeletionProtectionEnabled",
    "Tags",
    *_INDEXES,
)


def _make(endpoint: Endpoint, name: str, properties: Properties) -> Resource:
    dynamodb = endpoint.client("dynamodb")
    name = properties.get("TableName", name)
    is_new = True
    try:
        table = dynamodb.create_table(TableName=name, **_request(properties))["TableDescription"]
    except dynamodb.exceptions.ResourceInUseException:
        is_new = False
        table = dynamodb.describe_table(TableName=name)["Table"]
        _check_same(name, table, properties)
    if table["TableStatus"] != "ACTIVE":
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    stream = _stream(properties)
    if stream and not table.get("StreamSpecification", {}).get("StreamEnabled"):
        dynamodb.update_table(TableName=name, **stream)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        table = dynamodb.describe_table(TableName=name)["Table"]
    _set_backups(dynamodb, name, properties)
    _set_time_to_live(dynamodb, name, properties, is_new=is_new)
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Resource(name, attributes, is_new)


def _request(properties: Properties) -> dict[str, Any]:
    request = {name: properties[name] for name in _AS_GIVEN if name in properties}
    if encryption := properties.get("SSESpecification"):
        renamed = {"SSEEnabled": "Enabled", "KMSMasterKeyId": "KMSMasterKeyId"}
        request["SSESpecification"] = {
            renamed.get(name, name): value for name, value in encryption.items()
        }
    return request | _stream(properties)


def _stream(properties: Properties) -> dict[str, Any]:
    stream = properties.get("StreamSpecification")
    return {"StreamSpecification": {"StreamEnabled": True, **stream}} if stream else {}


def _check_same(name: str, table: Mapping[str, Any], properties: Properties) -> None:
    """Refuse a table that was made for something else: what it is keyed by cannot be changed.

    Raises:
        ProvisionError: it is another.

    """
    if _keys(table) != _keys(properties):
        raise ProvisionError(
            f"the table {name} has other keys or indexes than the template: "
            "delete it, or take another --prefix"
        )


def _keys(table: Mapping[str, Any]) -> object:
    definitions = {item["AttributeName"]: item["AttributeType"] for item in _of(table)}
    indexes = {
        index["IndexName"]: (_named(index["KeySchema"]), index["Projection"]["ProjectionType"])
        for kind in _INDEXES
        for index in table.get(kind, ())
    }
    return definitions, _named(table["KeySchema"]), indexes


def _of(table: Mapping[str, Any]) -> list[dict[str, str]]:
    return list(table["AttributeDefinitions"])


def _named(schema: list[dict[str, str]]) -> dict[str, str]:
    return {part["KeyType"]: part["AttributeName"] for part in schema}


def _set_backups(dynamodb: Any, name: str, properties: Properties) -> None:
    if backups := properties.get("PointInTimeRecoverySpecification"):
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=backups)


def _set_time_to_live(dynamodb: Any, name: str, properties: Properties, *, is_new: bool) -> None:
    wanted = properties.get("TimeToLiveSpecification")
    if not wanted:
        return
    if not is_new:  # DynamoDB refuses to be told again what it does already
        found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if (found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")) == wanted["Enabled"]:
            return
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)


TABLE = Maker(
    _make,
    frozenset(
        {
            *_AS_GIVEN,
            "TableName",
            "StreamSpecification",
            "SSESpecification",
            "PointInTimeRecoverySpecification",
            "TimeToLiveSpecification",
        }
    ),
)
