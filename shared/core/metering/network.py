"""Whence a call comes: addresses, networks, and the proxies that may speak for others."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses, as a socket for both families has them
_SUBSCRIBER_BITS = 64  # of an IPv6 address; the rest is the subscriber's own choice


def parse_network(text: str) -> Network:
    """Return the network of a text as `10.0.0.0/8`, `2001:db8::/32` or a single address.

    Raises:
        ValueError: it is none, or it has bits set beyond its prefix; the message says which.

    """
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ip_network(f"{address}/{network.prefixlen - _MAPPED.prefixlen}")
    return network


def caller_address(
    peer: str, forwarded_for: str, trusted_proxies: Iterable[Network]
) -> Address | None:
    """Return the address of the caller; None where the peer has none.

    Each proxy appends whom it heard from to X-Forwarded-For. So the header is read from the right,
    for as long as the one who said it is trusted; what stands further left anyone may have made up.

    Args:
        peer: the other end of the connection.
        forwarded_for: the header X-Forwarded-For, all of them joined by commas.
        trusted_proxies: whose word is taken.

    """
    caller = parse_address(peer)
    trusted = tuple(trusted_proxies)
    for hop in reversed(forwarded_for.split(",")) if trusted else ():
        if not is_within(caller, trusted):
            break
        before = parse_address(hop)
        if before is None:  # nobody is named, so the proxy that says so has to stand for him
            break
        caller = before
    return caller


def parse_address(text: str) -> Address | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]` or `[::1]:567`; else None.

    IPv4 addresses that are written as IPv6 ones become IPv4 ones, and zones are dropped.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_within(address: Address | None, networks: Iterable[Network]) -> bool:
    """Tell whether the address lies in one of the networks."""
    return address is not None and any(address in network for network in networks)


def subscriber(address: Address | None) -> str:
    """Return what stands for a caller where distinct callers are counted.

    That is an IPv4 address, but of IPv6 a network of 64 bits: those within it are one subscriber's,
    who may take a new address for each call (RFC 8981).
    """
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address or "")
