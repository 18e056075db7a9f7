"""Downloads images from URLs of callers, which must never reach the network around this service.

A caller could use a URL to make this service send requests on their behalf (server-side request
forgery). So every address of a host must be public, the connection uses the address that was
checked, every redirect is checked in the same way, and no server can exceed the limits of time and
memory.
"""

import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING

from typing_extensions import override

from shared.core.deadline import Deadline
from shared.core.errors import ImageDownloadTimeoutError, ImageTooLargeError, ImageUrlError
from shared.core.photos.ports import ImageSource
from shared.fetch.addresses import is_public
from shared.fetch.urls import ImageUrl

if TYPE_CHECKING:
    from typing_extensions import Buffer

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESSES = frozenset(range(200, 300)) - {
    204,
    205,
    206,
}  # without a body, or with only a part of it
_MAX_HEADER_BYTES = 64 * 1024
_MAX_ADDRESSES_TRIED = 4
_MAX_LOOKUPS = 64  # at once; a name server that never responds blocks a thread for a while
_LENGTH = re.compile(r"[0-9]{1,18}")


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host, from the operating system.

    Raises:
        OSError: the host is unknown.

    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedFetcher(ImageSource):
    """Downloads from the public internet only; several threads can use it.

    It uses no proxies, cookies or credentials from the environment.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        timeout_s: float,
        allowed_private_hosts: frozenset[str] = frozenset(),
        max_redirects: int = 3,
        resolve: Resolve = resolve,
        connect: Connect = socket.create_connection,
    ) -> None:
        """Set the limits.

        Args:
            max_bytes: the maximum size of an image.
            timeout_s: for a whole download, from name resolution to the last byte.
            allowed_private_hosts: hosts whose addresses need not be public, spelled as in the URL;
                for development.
            max_redirects: more are refused.
            resolve: returns the addresses of a host.
            connect: opens a connection to an address and port within a number of seconds.

        """
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._allowed_private_hosts = frozenset(host.lower() for host in allowed_private_hosts)
        self._max_redirects = max_redirects
        self._resolve = resolve
        self._connect = connect
        self._lookups = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="lookup")
        self._tls = ssl.create_default_context()

    @override
    def fetch(self, url: str) -> bytes:
        """Download an image.

        Raises:
            ImageUrlError: the URL is refused, or the response is incomplete or unsuccessful. The
                message does not say which, because that would reveal the network.
            ImageDownloadTimeoutError: the download exceeded the time limit.
            ImageTooLargeError: the image exceeds the size limit, as announced or as sent.

        """
        try:
            return self._follow(ImageUrl.parse(url), Deadline.after(self._timeout_s))
        except TimeoutError as error:
            raise ImageDownloadTimeoutError from error
        except (OSError, ValueError, HTTPException) as error:
            raise ImageUrlError from error

    def _follow(self, url: ImageUrl, deadline: Deadline) -> bytes:
        for _ in range(self._max_redirects + 1):
            answer = self._get(url, deadline)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise ValueError("too many redirects")

    def _get(self, url: ImageUrl, deadline: Deadline) -> bytes | ImageUrl:
        with self._open(url, deadline) as plain, self._secure(plain, url, deadline) as connection:
            wire = _Wire(connection, deadline, _MAX_HEADER_BYTES)
            response = _request(url, wire)
            if response.status in _REDIRECTS:
                return url.redirect(_location(response.headers))
            if response.status not in _SUCCESSES:
                raise ValueError(f"the server answered {response.status}")
            wire.begin_body(2 * self._max_bytes)  # sizes of chunks count, too
            return self._read(response)

    def _open(self, url: ImageUrl, deadline: Deadline) -> socket.socket:
        addresses = self._find_addresses(url, deadline)[:_MAX_ADDRESSES_TRIED]
        failures = []
        for untried in range(len(addresses), 0, -1):
            share_s = _time_left(deadline) / untried
            try:
                return self._connect((addresses[-untried], url.port), share_s)
            except OSError as error:
                failures.append(error)
        raise failures[-1] if failures else ValueError("the host has no address")

    def _find_addresses(self, url: ImageUrl, deadline: Deadline) -> Sequence[str]:
        lookup = self._lookups.submit(self._resolve, url.host, url.port)
        try:
            addresses = lookup.result(_time_left(deadline))
        finally:
            lookup.cancel()  # in case it still waits for a thread
        if url.host not in self._allowed_private_hosts and not all(map(is_public, addresses)):
            raise ValueError("the host has an address that is not public")
        return addresses

    def _secure(self, plain: socket.socket, url: ImageUrl, deadline: Deadline) -> socket.socket:
        if url.scheme == "http":
            return plain
        plain.settimeout(_time_left(deadline))
        return self._tls.wrap_socket(
            plain,
            server_hostname=url.host,
            suppress_ragged_eofs=False,  # otherwise a cut connection could end a body early
        )

    def _read(self, response: HTTPResponse) -> bytes:
        announced = _announced_length(response.headers)
        if announced is not None and announced > self._max_bytes:
            raise ImageTooLargeError
        body = response.read(self._max_bytes + 1)
        if len(body) > self._max_bytes:
            raise ImageTooLargeError
        if announced is not None and len(body) < announced:
            raise ValueError("the server sent less than it announced")
        return body


class _Wire(io.RawIOBase):
    """The bytes from a server, limited by a deadline and by a budget for all reads."""

    def __init__(self, connection: socket.socket, deadline: Deadline, budget: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._budget = budget
        self._in_head = True

    def begin_body(self, budget: int) -> None:
        """Add to the budget, and allow the connection to end."""
        self._budget += budget
        self._in_head = False

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "Buffer") -> int:
        self._connection.settimeout(_time_left(self._deadline))
        count = self._connection.recv_into(buffer)
        if not count and self._in_head:  # http.client would take it for the end of the headers
            raise HTTPException("the server hung up within its headers")
        self._budget -= count
        if self._budget < 0:
            raise HTTPException("the server sent too many bytes")
        return count

    @override
    def write(self, data: "Buffer") -> int:
        self._connection.settimeout(_time_left(self._deadline))
        self._connection.sendall(data)
        return memoryview(data).nbytes

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Act as a socket: http.client calls no other method of it."""
        return io.BufferedReader(self)


def _request(url: ImageUrl, wire: _Wire) -> HTTPResponse:
    lines = (
        f"GET {url.target} HTTP/1.1",
        f"Host: {url.authority}",
        "User-Agent: face-functions",
        "Accept-Encoding: identity",
        "Connection: close",
        "\r\n",
    )
    wire.write("\r\n".join(lines).encode("ascii"))
    response = HTTPResponse(wire, method="GET")  # type: ignore[arg-type]
    response.begin()
    return response


def _location(headers: Message) -> str:
    """Return the location of a redirect; http.client decodes as Latin-1 what is sent as UTF-8.

    Raises:
        ValueError: the location is missing or is not UTF-8.

    """
    location = headers.get("Location")
    if location is None:
        raise ValueError("the redirect has no location")
    return str(location).encode("latin-1").decode("utf-8")


def _announced_length(headers: Message) -> int | None:
    """Return the length of the body; None if it ends with its last chunk or the connection.

    Raises:
        ValueError: the body is compressed, or its length is ambiguous.

    """
    if _values(headers, "Content-Encoding") - {"identity"}:
        raise ValueError("the body is compressed")
    codings = _values(headers, "Transfer-Encoding")
    lengths = _values(headers, "Content-Length")
    if codings - {"chunked"} or len(lengths) + len(codings) > 1:
        raise ValueError("the length of the body is ambiguous")
    for length in lengths:
        if not _LENGTH.fullmatch(length):
            raise ValueError("the length is not a number")
        return int(length)
    return None


def _values(headers: Message, name: str) -> set[str]:
    return {str(value).strip().lower() for value in headers.get_all(name, [])}


def _time_left(deadline: Deadline) -> float:
    """Return the seconds until the deadline, more than 0.

    Raises:
        TimeoutError: the deadline has passed.

    """
    left_s = deadline.expires_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the download took too long")
    return left_s
