"""What an operator does with keys, and the log of it."""

from datetime import UTC, datetime, timedelta

import pytest

from harness.in_memory import InMemoryDistinctTracker, InMemoryKeys, InMemoryUsage
from shared.core.errors import BlockedKeyError, UnknownKeyError
from shared.core.metering import access, keyring
from shared.core.metering.keyring import KeyNameError
from shared.core.metering.models import ApiKey, DistinctLimit, KeyStatus, Limits

SECRET = "s"
NOW = datetime(2026, 1, 31, 3, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def keys() -> InMemoryKeys:
    return InMemoryKeys()


def create(
    keys: InMemoryKeys, name: str = "shop", limits: Limits | None = None
) -> tuple[ApiKey, str]:
    return keyring.create(
        keys, name=name, tenant="acme", limits=limits or Limits(), secret=SECRET, by="ops", now=NOW
    )


def rotate(keys: InMemoryKeys, overlap: timedelta, now: datetime = NOW) -> str:
    _, text = keyring.rotate(keys, "shop", overlap=overlap, secret=SECRET, by="ops", now=now)
    return text


def find(keys: InMemoryKeys, text: str, now: datetime = NOW) -> ApiKey:
    return access.authenticate(keys, text, secret=SECRET, now=now.timestamp())


def test_a_created_key_is_valid_immediately(keys: InMemoryKeys) -> None:
    key, text = create(keys, limits=Limits(daily=7))
    assert find(keys, text) == key
    assert (key.name, key.tenant, key.limits) == ("shop", "acme", Limits(daily=7))
    assert text not in repr(keys.list_all())
    assert text not in repr(keys.events())


def test_refuses_a_taken_name(keys: InMemoryKeys) -> None:
    create(keys)
    with pytest.raises(KeyNameError, match="already"):
        create(keys)


def test_finds_a_key_by_its_name_or_its_id(keys: InMemoryKeys) -> None:
    key, _ = create(keys)
    create(keys, "other")
    assert keyring.lookup(keys, "shop") == keyring.lookup(keys, key.id) == (key,)
    with pytest.raises(KeyNameError, match="there is no key 'shop2'"):
        keyring.lookup(keys, "shop2")


def test_refuses_a_name_that_several_keys_have(keys: InMemoryKeys) -> None:
    for text in ("one", "two"):
        keys.put(access.new_key(text, name="twin", tenant="t", secret=SECRET))
    with pytest.raises(KeyNameError, match="several"):
        keyring.lookup(keys, "twin")


def test_blocks_and_unblocks_a_key(keys: InMemoryKeys) -> None:
    _, text = create(keys)
    keyring.set_status(keys, "shop", KeyStatus.BLOCKED, by="ops", now=NOW)
    with pytest.raises(BlockedKeyError):
        find(keys, text)
    keyring.set_status(keys, "shop", KeyStatus.ACTIVE, by="ops", now=NOW)
    find(keys, text)


def test_changes_limits(keys: InMemoryKeys) -> None:
    _, text = create(keys)
    keyring.limit(keys, "shop", Limits(daily=1), by="ops", now=NOW)
    assert find(keys, text).limits == Limits(daily=1)


def test_both_values_are_valid_during_the_overlap(keys: InMemoryKeys) -> None:
    key, old = create(keys)
    new = rotate(keys, 7 * DAY)
    assert new != old
    assert find(keys, old).id == find(keys, new).id == key.id
    assert find(keys, old, NOW + 6 * DAY).id == key.id
    with pytest.raises(UnknownKeyError):
        find(keys, old, NOW + 7 * DAY)
    find(keys, new, NOW + 1000 * DAY)


def test_without_an_overlap_the_old_value_expires_immediately(keys: InMemoryKeys) -> None:
    _, old = create(keys)
    new = rotate(keys, timedelta(0))
    with pytest.raises(UnknownKeyError):
        find(keys, old)
    assert [key.key_hash for key in keys.list_all()] == [access.hash_key(new, SECRET)]


def test_a_rotation_never_extends_an_older_value(keys: InMemoryKeys) -> None:
    _, first = create(keys)
    second = rotate(keys, DAY)
    rotate(keys, 7 * DAY)
    for text, end in ((first, DAY), (second, 7 * DAY)):
        find(keys, text, NOW + end - timedelta(seconds=1))
        with pytest.raises(UnknownKeyError):
            find(keys, text, NOW + end)


def test_a_rotation_deletes_expired_values(keys: InMemoryKeys) -> None:
    create(keys)
    rotate(keys, DAY)
    rotate(keys, DAY, NOW + 2 * DAY)
    assert len(keys.list_all()) == 2


def test_a_change_applies_to_all_values_of_a_key(keys: InMemoryKeys) -> None:
    _, old = create(keys)
    new = rotate(keys, DAY)
    keyring.limit(keys, "shop", Limits(daily=3), by="ops", now=NOW)
    assert find(keys, old).limits == find(keys, new).limits == Limits(daily=3)
    keyring.set_status(keys, "shop", KeyStatus.BLOCKED, by="ops", now=NOW)
    for text in (old, new):
        with pytest.raises(BlockedKeyError):
            find(keys, text)


def test_deleting_a_key_deletes_its_usage_and_addresses(keys: InMemoryKeys) -> None:
    usage, tracker, one = InMemoryUsage(), InMemoryDistinctTracker(), DistinctLimit(1, 60)
    key, old = create(keys)
    rotate(keys, DAY)
    usage.admit(key.id, Limits(), now=NOW.timestamp(), lease_s=1)
    tracker.note(access.addresses_of(key.id), "10.0.0.1", limit=one, now=NOW.timestamp())
    keyring.delete(keys, usage, tracker, "shop", by="ops", now=NOW)
    assert keys.list_all() == ()
    assert usage.counts(key.id) == {}
    assert tracker.note(access.addresses_of(key.id), "10.0.0.2", limit=one, now=NOW.timestamp())
    with pytest.raises(UnknownKeyError):
        find(keys, old)


def test_logs_every_change(keys: InMemoryKeys) -> None:
    key, _ = create(keys, limits=Limits(daily=7))
    keyring.limit(keys, "shop", Limits(daily=None), by="ops", now=NOW)
    keyring.set_status(keys, "shop", KeyStatus.BLOCKED, by="ops", now=NOW)
    keyring.set_status(keys, "shop", KeyStatus.ACTIVE, by="ops", now=NOW)
    rotate(keys, 7 * DAY)
    keyring.delete(keys, InMemoryUsage(), InMemoryDistinctTracker(), "shop", by="ops", now=NOW)
    logged = keys.events()
    assert {(event.at, event.key_id, event.key_name, event.by) for event in logged} == {
        (NOW, key.id, "shop", "ops")
    }
    assert [(event.action, event.detail) for event in logged] == [
        ("create", "tenant: acme; daily: 5,000 -> 7"),
        ("limit", "daily: 7 -> none"),
        ("block", ""),
        ("unblock", ""),
        ("rotate", "overlap 7d"),
        ("delete", ""),
    ]
