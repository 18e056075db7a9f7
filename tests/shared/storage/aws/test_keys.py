"""API keys in DynamoDB, beyond the contract."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.config import SettingError
from shared.core.errors import StoreUnavailableError
from shared.core.metering import access
from shared.core.metering.models import KeyEvent, Limits
from shared.storage import key_records
from shared.storage.aws.dynamodb import DynamoDb
from shared.storage.aws.keys import DynamoKeys
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo, Fault

EVENT = KeyEvent(datetime(2026, 1, 2, tzinfo=UTC), "id", "name", "create", "", "ops")
KEY = access.new_key("text", name="n", tenant="t", secret="s")


@pytest.fixture
def client(dynamo: Dynamo) -> DynamoDb:
    return access_tables.create(dynamo)


@pytest.fixture
def keys(client: DynamoDb) -> DynamoKeys:
    return DynamoKeys(client, access_tables.KEYS, access_tables.LOG)


def test_lists_more_keys_than_fit_into_one_page(keys: DynamoKeys) -> None:
    large = Limits(paths=("/" + "x" * 300_000,))
    for number in range(5):
        keys.change(EVENT, put=[replace(KEY, key_hash=str(number), limits=large)])
    assert {key.key_hash for key in keys.list_all()} == set("01234")


def test_reads_what_a_newer_version_stored_with_more_attributes() -> None:
    event = {**key_records.from_event(EVENT), "reason": "of a newer version"}
    assert key_records.to_event(event) == EVENT
    key = {**key_records.from_key(KEY), "colour": "of a newer version"}
    assert key_records.to_key(key) == KEY


def test_a_lookup_is_one_consistent_read(dynamo: Dynamo, keys: DynamoKeys) -> None:
    keys.change(EVENT, put=[KEY])
    dynamo.transport.requests.clear()
    assert keys.lookup(KEY.key_hash) == KEY
    ((operation, request),) = dynamo.transport.requests
    assert (operation, request["ConsistentRead"]) == ("GetItem", True)


def test_a_change_whose_answer_is_lost_is_applied_once(dynamo: Dynamo, keys: DynamoKeys) -> None:
    dynamo.transport.faults.append(
        Fault("TransactWriteItems", status=500, code="InternalServerError", lost_answer=True)
    )
    keys.change(EVENT, put=[KEY])
    assert keys.events() == (EVENT,)
    first, second = (r["ClientRequestToken"] for r in dynamo.transport.of("TransactWriteItems"))
    assert first == second


def test_no_key_is_accepted_while_the_store_does_not_answer(
    dynamo: Dynamo, keys: DynamoKeys
) -> None:
    keys.change(EVENT, put=[KEY])
    dynamo.transport.faults += [Fault("GetItem") for _ in range(3)]
    with pytest.raises(StoreUnavailableError):
        keys.lookup(KEY.key_hash)


def test_a_change_needs_a_table_for_the_log(client: DynamoDb) -> None:
    keys = DynamoKeys(client, access_tables.KEYS, "")
    assert keys.lookup("nothing") is None
    with pytest.raises(SettingError, match="KEY_LOG_TABLE"):
        keys.change(EVENT, put=[KEY])
    assert keys.list_all() == ()
