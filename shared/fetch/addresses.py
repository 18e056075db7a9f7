"""Which addresses of the network are the public internet's."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")

# What `is_global` lets through in one version of Python or another, from the IANA registries of
# special-purpose addresses, and the one address of a cloud's host that the registries call global.
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata at 192.0.0.192
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "168.63.129.16/32",  # Azure's host
        "::/3",  # everything but 2000::/3: IPv4 in many disguises,
        "4000::/2",  # unassigned
        "8000::/1",  # private, link-local, site-local, multicast
        "2001::/23",  # protocol assignments; Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet and not of some network nearby.

    The addresses that NAT64 makes of IPv4 ones are judged by those, since a network with DNS64
    gives them for every host without IPv6 (RFC 6052). All other ways to write an IPv4 address as an
    IPv6 one are refused, and so are zones.

    Raises:
        ValueError: this is no IP address.

    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return False
    if isinstance(parsed, IPv6Address) and parsed in _NAT64:
        parsed = IPv4Address(parsed.packed[-4:])
    return parsed.is_global and not any(parsed in network for network in _NOT_PUBLIC)
