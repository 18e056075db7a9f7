"""Access checks of API keys: key, address and path."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.in_memory import InMemoryDistinctTracker, InMemoryKeys
from shared.core.errors import (
    BlockedKeyError,
    ForbiddenAddressError,
    ForbiddenSubpathError,
    MissingKeyError,
    TooManyAddressesError,
    TooManyKeysError,
    UnknownKeyError,
)
from shared.core.metering import access
from shared.core.metering.models import ApiKey, DistinctLimit, KeyStatus, Limits
from shared.core.metering.network import parse_address, parse_network

SECRET = "s"
NOW = 1_769_828_400.0


def a_key(limits: Limits | None = None, text: str = "known", secret: str = SECRET) -> ApiKey:
    return access.new_key(text, name="n", tenant="acme", secret=secret, limits=limits or Limits())


def authenticate(key: ApiKey, text: str | None) -> ApiKey:
    keys = InMemoryKeys()
    keys.put(key)
    return access.authenticate(keys, text, secret=SECRET, now=NOW)


def test_a_key_belongs_to_its_tenant() -> None:
    assert authenticate(a_key(), "known").tenant == "acme"


def test_a_key_does_not_contain_its_value() -> None:
    assert "known" not in repr(a_key())


def test_two_keys_differ() -> None:
    assert access.new_raw_key() != access.new_raw_key()
    assert a_key().id != a_key().id


@pytest.mark.parametrize("text", [None, ""])
def test_refuses_a_missing_key(text: str | None) -> None:
    with pytest.raises(MissingKeyError):
        authenticate(a_key(), text)


@pytest.mark.parametrize("text", ["other", "k" * 100_000, "키", "\ud800", "\x00"])
def test_refuses_an_unknown_key(text: str) -> None:
    with pytest.raises(UnknownKeyError):
        authenticate(a_key(), text)


def test_refuses_a_blocked_key() -> None:
    with pytest.raises(BlockedKeyError):
        authenticate(replace(a_key(), status=KeyStatus.BLOCKED), "known")


def test_a_key_of_another_deployment_is_unknown() -> None:
    with pytest.raises(UnknownKeyError):
        authenticate(a_key(secret="another"), "known")


def test_an_old_value_is_valid_until_it_expires() -> None:
    ends_later = replace(a_key(), expires_at=datetime.fromtimestamp(NOW + 1, UTC))
    assert authenticate(ends_later, "known") == ends_later
    with pytest.raises(UnknownKeyError):
        authenticate(replace(a_key(), expires_at=datetime.fromtimestamp(NOW, UTC)), "known")


class Caller:
    """Someone with an address, and a tracker of their own."""

    def __init__(self, keys_per_address: DistinctLimit | None = None) -> None:
        self._sightings = InMemoryDistinctTracker()
        self._keys_per_address = keys_per_address

    def uses(self, key: ApiKey, address: str) -> None:
        access.check_address(
            self._sightings,
            key,
            parse_address(address),
            keys_per_address=self._keys_per_address,
            now=NOW,
        )


def test_a_key_without_networks_may_be_used_from_anywhere() -> None:
    for address in ("192.0.2.1", "2001:db8::1", "unknown"):
        Caller().uses(a_key(), address)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8:5::1"])
def test_accepts_an_address_in_a_network_of_the_key(address: str) -> None:
    networks = (parse_network("10.0.0.0/8"), parse_network("2001:db8::/32"))
    Caller().uses(a_key(Limits(networks=networks)), address)


@pytest.mark.parametrize("address", ["11.1.2.3", "2001:db9::1", "::a01:203", "unknown", ""])
def test_refuses_an_address_outside_the_networks_of_the_key(address: str) -> None:
    networks = (parse_network("10.0.0.0/8"), parse_network("2001:db8::/32"))
    with pytest.raises(ForbiddenAddressError):
        Caller().uses(a_key(Limits(networks=networks)), address)


def test_refuses_one_address_too_many() -> None:
    caller, key = Caller(), a_key(Limits(addresses=DistinctLimit(2, 60)))
    caller.uses(key, "192.0.2.1")
    caller.uses(key, "192.0.2.2")
    caller.uses(key, "192.0.2.1")
    with pytest.raises(TooManyAddressesError):
        caller.uses(key, "192.0.2.3")
    caller.uses(key, "::ffff:192.0.2.2")


def test_ipv6_addresses_of_one_subscriber_count_once() -> None:
    caller, key = Caller(), a_key(Limits(addresses=DistinctLimit(1, 60)))
    caller.uses(key, "2001:db8:0:1::1")
    caller.uses(key, "2001:db8:0:1:ffff::2")
    with pytest.raises(TooManyAddressesError):
        caller.uses(key, "2001:db8:0:2::1")


def test_refuses_one_key_too_many_from_an_address() -> None:
    caller = Caller(keys_per_address=DistinctLimit(2, 60))
    first, second, third = a_key(), a_key(), a_key()
    for key in (first, second, first):
        caller.uses(key, "192.0.2.1")
    with pytest.raises(TooManyKeysError):
        caller.uses(third, "192.0.2.1")
    caller.uses(third, "192.0.2.2")


def test_two_values_of_one_key_count_once() -> None:
    caller, key = Caller(keys_per_address=DistinctLimit(1, 60)), a_key()
    caller.uses(key, "192.0.2.1")
    caller.uses(replace(key, key_hash="after a rotation"), "192.0.2.1")


def test_refuses_foreign_networks_before_recording_anything() -> None:
    limits = Limits(networks=(parse_network("10.0.0.0/8"),), addresses=DistinctLimit(1, 60))
    caller, key = Caller(keys_per_address=DistinctLimit(1, 60)), a_key(limits)
    with pytest.raises(ForbiddenAddressError):
        caller.uses(key, "192.0.2.1")
    caller.uses(key, "10.0.0.1")
    caller.uses(a_key(), "192.0.2.1")


def test_checks_keys_per_address_before_addresses_per_key() -> None:
    caller = Caller(keys_per_address=DistinctLimit(1, 60))
    key = a_key(Limits(addresses=DistinctLimit(1, 60)))
    caller.uses(key, "192.0.2.1")
    caller.uses(a_key(), "192.0.2.2")
    with pytest.raises(TooManyKeysError):
        caller.uses(key, "192.0.2.2")


def test_the_local_key_may_be_used_from_anywhere() -> None:
    caller = Caller(keys_per_address=DistinctLimit(1, 60))
    for _ in range(2):
        caller.uses(access.public_key("t"), "192.0.2.1")


@pytest.mark.parametrize(
    "path",
    ["/FaceDeID", "/nhn-face-reco/v1.0/appkeys/{appKey}/groups", "/enrollment_img/"],
)
def test_a_key_may_use_a_listed_path_and_all_paths_below(path: str) -> None:
    paths = ("/FaceDeID", "/nhn-face-reco/", "/enrollment_img")
    access.check_path(a_key(Limits(paths=paths)), path)
    access.check_path(a_key(Limits(paths=("/",))), path)
    access.check_path(a_key(), path)


@pytest.mark.parametrize("path", ["/FaceDeIDs", "/Face", "/facedeid", "/analy_img/", "/"])
def test_a_key_may_not_use_any_other_path(path: str) -> None:
    with pytest.raises(ForbiddenSubpathError):
        access.check_path(a_key(Limits(paths=("/FaceDeID",))), path)
