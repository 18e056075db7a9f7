"""Where a call comes from: addresses, networks and trusted proxies."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses as a dual-stack socket shows them
_SUBSCRIBER_BITS = 64  # of an IPv6 address; the subscriber chooses the rest


def parse_network(text: str) -> Network:
    """Return the network of a text such as `10.0.0.0/8`, `2001:db8::/32` or a single address.

    Raises:
        ValueError: the text is not a network, or has bits set beyond its prefix; the message says
            which.
    """
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ip_network(f"{address}/{network.prefixlen - _MAPPED.prefixlen}")
    return network


def caller_address(
    peer: str, forwarded_for: str, trusted_proxies: Iterable[Network]
) -> Address | None:
    """Return the address of the caller; None if the peer has none.

    Each proxy appends the address of its own peer to X-Forwarded-For. So the header is read from
    the right, as long as the address that added the entry is trusted. Anything further left may be
    forged.

    Args:
        peer: the other end of the connection.
        forwarded_for: the values of the header X-Forwarded-For, joined by commas.
        trusted_proxies: the networks whose entries are believed.
    """
    caller = parse_address(peer)
    trusted = tuple(trusted_proxies)
    for hop in reversed(forwarded_for.split(",")) if trusted else ():
        if not is_within(caller, trusted):
            break
        before = parse_address(hop)
        if before is None:  # the entry has no address, so the proxy stands for the caller
            break
        caller = before
    return caller


def parse_address(text: str) -> Address | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]` or `[::1]:567`; else None.

    IPv4-mapped IPv6 addresses become IPv4 addresses, and zones are dropped.
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
    """Return whether the address is in one of the networks."""
    return address is not None and any(address in network for network in networks)


def subscriber(address: Address | None) -> str:
    """Return what identifies a caller when distinct callers are counted.

    This is the IPv4 address, or the /64 network of an IPv6 address: it belongs to one subscriber,
    who may use a new address for each call (RFC 8981).
    """
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address or "")
