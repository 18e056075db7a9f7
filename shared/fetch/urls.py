"""Strict parsing of image URLs: an attacker could exploit a URL that is ambiguous."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal
from urllib.parse import quote, urljoin, urlsplit

Scheme = Literal["http", "https"]

_DEFAULT_PORTS: dict[str, tuple[Scheme, int]] = {"http": ("http", 80), "https": ("https", 443)}
_PORTS = frozenset({80, 443, *range(10_000, 12_001)})
_MAX_LENGTH = 8192
_MAX_HOST_LENGTH = 253

# URL parsers drop or replace these characters in different ways, so they are refused.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# No user, and no percent sign, which also excludes the zone of an IPv6 address.
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::([0-9]{0,5}))?")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
# To some resolvers, such hosts are IPv4 addresses, whatever precedes the number
# (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_TARGET_CHARACTERS = "%/?:@!$&'()*+,;=~"  # allowed in a path and a query by RFC 3986


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """The URL of an image.

    Attributes:
        scheme: `http` or `https`.
        host: an IP address without brackets, or a name in ASCII (IDNA), lower case, without a
            trailing dot.
        port: 80, 443 or 10000 to 12000.
        target: path and query, percent-encoded, for the request line.

    """

    scheme: Scheme
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, url: str) -> "ImageUrl":
        """Parse a URL.

        Raises:
            ValueError: the URL is malformed, ambiguous or not supported.

        """
        if len(url) > _MAX_LENGTH or _AMBIGUOUS.search(url):
            raise ValueError("the URL is too long or ambiguous")
        parts = urlsplit(url)
        authority = _AUTHORITY.fullmatch(parts.netloc)
        if parts.scheme not in _DEFAULT_PORTS or authority is None:
            raise ValueError("the scheme or the host of the URL is not supported")
        scheme, default_port = _DEFAULT_PORTS[parts.scheme]
        port = int(authority[2] or default_port)
        if port not in _PORTS:
            raise ValueError("the port of the URL is not allowed")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme, _read_host(authority[1]), port, quote(target, safe=_TARGET_CHARACTERS))

    def redirect(self, location: str) -> "ImageUrl":
        """Return the URL that a `Location` header refers to.

        Raises:
            ValueError: the URL is malformed, ambiguous or not supported, or the redirect goes from
                https to http: the caller asked for an authenticated server.

        """
        if _AMBIGUOUS.search(location):  # `urljoin` would remove some
            raise ValueError("the location is ambiguous")
        target = self.parse(urljoin(f"{self.scheme}://{self.authority}{self.target}", location))
        if self.scheme == "https" and target.scheme == "http":
            raise ValueError("the redirect leaves https")
        return target

    @property
    def authority(self) -> str:
        """Host and port for a `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme][1] else f"{host}:{self.port}"


def _read_host(host: str) -> str:
    if host.startswith("["):
        return str(IPv6Address(host[1:-1]))
    name = host.lower().encode("idna").decode("ascii").lower().removesuffix(".")
    if len(name) > _MAX_HOST_LENGTH or not _NAME.fullmatch(name):
        raise ValueError("the host of the URL is not a name")
    return str(IPv4Address(name)) if _ENDS_IN_A_NUMBER.fullmatch(name) else name
