"""Where a call comes from, and which proxies to believe."""

import pytest

from shared.core.metering.network import (
    caller_address,
    is_within,
    parse_address,
    parse_network,
    subscriber,
)

PROXIES = tuple(parse_network(text) for text in ("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
    ],
)
def test_parses_every_form_of_an_address(text: str, address: str) -> None:
    assert str(parse_address(text)) == address


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "192.0.2", "192.0.2.1.5", "[", "::g"])
def test_returns_none_for_text_that_is_not_an_address(text: str) -> None:
    assert parse_address(text) is None


def test_a_mapped_network_becomes_the_ipv4_network() -> None:
    assert parse_network("::ffff:10.0.0.0/104") == parse_network("10.0.0.0/8")
    assert is_within(parse_address("::ffff:10.1.1.1"), [parse_network("10.0.0.0/8")])


@pytest.mark.parametrize("text", ["10.0.0.5/8", "10.0.0.0/33", "everywhere", "", "2001:db8::1/32"])
def test_refuses_text_that_is_not_a_network(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_network(text)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "caller"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),  # nobody believes a stranger
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"),  # the left one is made up
        ("10.0.0.1", "203.0.113.7,10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.3, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # a proxy itself calls
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.1", "203.0.113.7:5000", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7,", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
    ],
)
def test_reads_forwarded_for_from_the_right(peer: str, forwarded_for: str, caller: str) -> None:
    assert str(caller_address(peer, forwarded_for, PROXIES)) == caller


def test_without_trusted_proxies_the_peer_is_the_caller() -> None:
    assert str(caller_address("10.0.0.1", "203.0.113.7", ())) == "10.0.0.1"


def test_a_peer_without_an_address_has_no_caller_address() -> None:
    assert caller_address("", "203.0.113.7", PROXIES) is None
    assert not is_within(None, PROXIES)
    assert subscriber(None) == ""


def test_reads_a_long_header_only_as_far_as_it_is_trusted() -> None:
    many = ", ".join(["1.1.1.1"] * 50_000)
    assert str(caller_address("192.0.2.1", many, PROXIES)) == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
    ],
)
def test_a_subscriber_is_an_ipv4_address_or_64_bits_of_an_ipv6_one(
    address: str, counted: str
) -> None:
    assert subscriber(parse_address(address)) == counted
