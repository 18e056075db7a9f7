"""The contract of the port `Keys`, for the fake and for both adapters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from harness.in_memory import InMemoryKeys
from shared.core.metering.models import ApiKey, DistinctLimit, KeyEvent, KeyStatus, Limits, Rate
from shared.core.metering.ports import Keys
from shared.storage.aws.keys import DynamoKeys
from shared.storage.local.database import Database
from shared.storage.local.keys import SqliteKeys
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
A_KEY = ApiKey(
    "id-1", "hash-1", "shop", "acme", KeyStatus.ACTIVE, NOW.replace(microsecond=0), Limits()
)
ALL_LIMITS = Limits(
    daily=0,
    monthly=20,
    yearly=None,
    networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    paths=("/FaceDeID", "/nhn-face-reco"),
    addresses=DistinctLimit(3, 86_400),
    in_flight=2,
    rate=Rate(0.5, 4),
)


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Keys:
    if request.param == "fake":
        return InMemoryKeys()
    if request.param == "sqlite":
        return SqliteKeys(Database(tmp_path))
    dynamo: Dynamo = request.getfixturevalue("dynamo")
    return DynamoKeys(access_tables.create(dynamo), access_tables.KEYS, access_tables.LOG)


def event(action: str = "test", minutes: int = 0) -> KeyEvent:
    return KeyEvent(NOW + timedelta(minutes=minutes), "id-1", "shop", action, "a detail", "ops")


def test_finds_what_was_put(keys: Keys) -> None:
    keys.change(event(), put=[A_KEY])
    assert keys.lookup("hash-1") == A_KEY


def test_every_limit_is_kept(keys: Keys) -> None:
    key = replace(A_KEY, limits=ALL_LIMITS, expires_at=NOW)
    keys.change(event(), put=[key])
    assert keys.lookup("hash-1") == key


def test_finds_nothing_under_another_hash(keys: Keys) -> None:
    keys.change(event(), put=[A_KEY])
    assert keys.lookup("hash-2") is None


def test_put_replaces(keys: Keys) -> None:
    keys.change(event(), put=[A_KEY])
    blocked = replace(A_KEY, status=KeyStatus.BLOCKED)
    keys.change(event(), put=[blocked])
    assert keys.lookup("hash-1") == blocked
    assert keys.list_all() == (blocked,)


def test_lists_by_name(keys: Keys) -> None:
    names = ("zoo", "bar", "shop")
    keys.change(event(), put=[replace(A_KEY, key_hash=f"h-{name}", name=name) for name in names])
    assert [key.name for key in keys.list_all()] == ["bar", "shop", "zoo"]


def test_forgets_a_deleted_key(keys: Keys) -> None:
    keys.change(event(), put=[A_KEY])
    keys.change(event(minutes=1), delete=["hash-1"])
    assert keys.lookup("hash-1") is None
    keys.change(event(minutes=2), delete=["hash-1"])  # a second time changes nothing


def test_puts_and_deletes_in_one_step(keys: Keys) -> None:
    keys.change(event(), put=[A_KEY])
    new = replace(A_KEY, key_hash="hash-2")
    keys.change(event(minutes=1), put=[new], delete=["hash-1"])
    assert keys.list_all() == (new,)


def test_logs_every_change_in_order(keys: Keys) -> None:
    keys.change(event("create"), put=[A_KEY])
    keys.change(event("block", minutes=2), put=[A_KEY])
    keys.change(event("limit", minutes=1), put=[A_KEY])
    assert keys.events() == (event("create"), event("limit", 1), event("block", 2))


def test_a_change_that_fails_is_not_logged(tmp_path: Path) -> None:
    keys = SqliteKeys(Database(tmp_path))
    with pytest.raises(ValueError, match="without limits"):
        keys.change(event(), put=[A_KEY, replace(A_KEY, limits=None)])
    assert keys.list_all() == ()
    assert keys.events() == ()


def test_sqlite_keys_survive_a_new_process(tmp_path: Path) -> None:
    SqliteKeys(Database(tmp_path)).change(event(), put=[A_KEY])
    assert SqliteKeys(Database(tmp_path)).lookup("hash-1") == A_KEY
