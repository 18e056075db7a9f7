"""The contract of the port `Keys`, for the fake and for both adapters."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from local_runner.template import resource_properties
from shared.core.models import ApiKey, KeyStatus
from shared.core.ports import Keys
from shared.storage.aws.keys import DynamoKeys
from shared.storage.local.database import Database
from shared.storage.local.keys import SqliteKeys
from tests.fakes import InMemoryKeys

A_KEY = ApiKey("hash-1", "shop", "acme", KeyStatus.ACTIVE, "2026-01-02T03:04:05+00:00")


@contextlib.contextmanager
def dynamo_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoKeys]:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    with mock_aws():
        table = resource_properties("KeysTable")
        boto3.client("dynamodb").create_table(
            TableName="keys",
            BillingMode=table["BillingMode"],
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
        )
        yield DynamoKeys("keys")


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def keys(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    if request.param == "fake":
        yield InMemoryKeys()
    elif request.param == "sqlite":
        yield SqliteKeys(Database(tmp_path))
    else:
        with dynamo_keys(monkeypatch) as adapter:
            yield adapter


def test_finds_what_was_put(keys: Keys) -> None:
    keys.put(A_KEY)
    assert keys.find("hash-1") == A_KEY


def test_finds_nothing_under_another_hash(keys: Keys) -> None:
    keys.put(A_KEY)
    assert keys.find("hash-2") is None


def test_put_replaces(keys: Keys) -> None:
    keys.put(A_KEY)
    blocked = replace(A_KEY, status=KeyStatus.BLOCKED)
    keys.put(blocked)
    assert keys.find("hash-1") == blocked
    assert keys.list_all() == (blocked,)


def test_lists_by_name(keys: Keys) -> None:
    others = [replace(A_KEY, key_hash=f"h-{name}", name=name) for name in ("zoo", "bar", "shop")]
    for key in others:
        keys.put(key)
    assert [key.name for key in keys.list_all()] == ["bar", "shop", "zoo"]


def test_forgets_a_deleted_key(keys: Keys) -> None:
    keys.put(A_KEY)
    keys.delete("hash-1")
    assert keys.find("hash-1") is None
    keys.delete("hash-1")  # a second time changes nothing


def test_sqlite_keys_survive_a_new_process(tmp_path: Path) -> None:
    SqliteKeys(Database(tmp_path)).put(A_KEY)
    assert SqliteKeys(Database(tmp_path)).find("hash-1") == A_KEY
