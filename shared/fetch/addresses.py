"""Decides which IP addresses belong to the public internet."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")

# Networks that `is_global` accepts in some version of Python, from the IANA registries of
# special-purpose addresses, and an address of a cloud's host that the registries call global.
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments, and a cloud's metadata at 192.0.0.192
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "168.63.129.16/32",  # Azure's host
        "::/3",  # with the next two, everything except 2000::/3: embedded IPv4
        "4000::/2",  # unassigned
        "8000::/1",  # private, link-local, site-local, multicast
        "2001::/23",  # protocol assignments; Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet.

    A NAT64 address (RFC 6052) counts as the IPv4 address in it: a network with DNS64 returns such
    addresses for every host without IPv6. Other embedded IPv4 addresses are not public, and neither
    are addresses with a zone.

    Raises:
        ValueError: the text is not an IP address.

    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return False
    if isinstance(parsed, IPv6Address) and parsed in _NAT64:
        parsed = IPv4Address(parsed.packed[-4:])
    return parsed.is_global and not any(parsed in network for network in _NOT_PUBLIC)
