"""The URLs of images, read strictly: a URL that can be read in two ways is a way in."""

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

# Parsers of URLs drop or replace these in different ways, so none of them is taken.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# No user, no percent signs, so no zone of an IPv6 address either.
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::([0-9]{0,5}))?")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
# Such hosts are IPv4 addresses to some resolvers, whatever stands before the number
# (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_TARGET_CHARACTERS = "%/?:@!$&'()*+,;=~"  # what RFC 3986 has in a path and a query


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """Where to ask for an image.

    Attributes:
        scheme: `http` or `https`.
        host: an IP address without brackets, or a name in ASCII (IDNA), in lower case and without a
            dot at its end.
        port: 80, 443 or 10000 to 12000.
        target: path and query, percent-encoded, as a request line has them.

    """

    scheme: Scheme
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, url: str) -> "ImageUrl":
        """Read a URL.

        Raises:
            ValueError: the URL is malformed, ambiguous or not of a kind that is fetched.

        """
        if len(url) > _MAX_LENGTH or _AMBIGUOUS.search(url):
            raise ValueError("the URL is too long or ambiguous")
        parts = urlsplit(url)
        authority = _AUTHORITY.fullmatch(parts.netloc)
        if parts.scheme not in _DEFAULT_PORTS or authority is None:
            raise ValueError("the URL has no scheme or host that is fetched from")
        scheme, default_port = _DEFAULT_PORTS[parts.scheme]
        port = int(authority[2] or default_port)
        if port not in _PORTS:
            raise ValueError("the URL has a port that is not fetched from")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme, _read_host(authority[1]), port, quote(target, safe=_TARGET_CHARACTERS))

    def redirect(self, location: str) -> "ImageUrl":
        """Return where a `Location` header points from here.

        Raises:
            ValueError: as for `parse`, or the way leads from https to http: the caller asked for a
                server that proves who it is, and no server on the way may waive that.

        """
        if _AMBIGUOUS.search(location):  # before `urljoin` removes any
            raise ValueError("the location is ambiguous")
        target = self.parse(urljoin(f"{self.scheme}://{self.authority}{self.target}", location))
        if self.scheme == "https" and target.scheme == "http":
            raise ValueError("the redirect gives up https")
        return target

    @property
    def authority(self) -> str:
        """The host and the port as a `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme][1] else f"{host}:{self.port}"


def _read_host(host: str) -> str:
    if host.startswith("["):
        return str(IPv6Address(host[1:-1]))
    name = host.lower().encode("idna").decode("ascii").lower().removesuffix(".")
    if len(name) > _MAX_HOST_LENGTH or not _NAME.fullmatch(name):
        raise ValueError("the URL has no host name")
    return str(IPv4Address(name)) if _ENDS_IN_A_NUMBER.fullmatch(name) else name
