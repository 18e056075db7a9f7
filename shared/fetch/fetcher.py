"""Downloads images that callers name by URL, and lets no URL reach the network around this service.

A URL from outside is a way to make a server send requests in its own name (server-side request
forgery). So every address that a host has must be public, the connection goes to the very address
that was checked, each redirect starts from the beginning, and a server can neither stretch the time
nor the memory that it is given.
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

from shared.core.deadline import Deadline
from shared.core.errors import ImageDownloadTimeoutError, ImageTooLargeError, ImageUrlError
from shared.fetch.addresses import is_public
from shared.fetch.urls import ImageUrl

if TYPE_CHECKING:
    from typing_extensions import Buffer

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESSES = frozenset(range(200, 300)) - {204, 205, 206}  # those have no body or a part of it
_MAX_HEADER_BYTES = 64 * 1024
_MAX_ADDRESSES_TRIED = 4
_MAX_LOOKUPS = 64  # at once; those of a name server that never answers hold a thread for a while
_LENGTH = re.compile(r"[0-9]{1,18}")


def resolve(host: str, port: int) -> list[str]:
    """Return every address that the system knows for a host.

    Raises:
        OSError: it knows none.

    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedFetcher:
    """Downloads what a URL names, from the public internet alone. May be shared by threads.

    Nothing of the environment is used: no proxies, no cookies, no credentials.
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
            max_bytes: of an image.
            timeout_s: of a whole download, from the first look-up to the last byte.
            allowed_private_hosts: names and addresses, spelled as in the URL's host, whose
                addresses need not be public; for development.
            max_redirects: that are followed.
            resolve: finds the addresses of a host.
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

    def fetch(self, url: str) -> bytes:
        """Download an image.

        Raises:
            ImageUrlError: the URL is refused, or no complete answer came; never says why.
            ImageDownloadTimeoutError: the download took longer than the time limit.
            ImageTooLargeError: there are more bytes than the limit, announced or sent.

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
            wire.begin_body(2 * self._max_bytes)  # the sizes of chunks are on the wire, too
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
            lookup.cancel()  # one that still waits for a thread is not worth starting
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
            suppress_ragged_eofs=False,  # or whoever cuts the connection decides where a body ends
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
    """The bytes from a server: no read waits beyond the deadline, and all reads share a budget."""

    def __init__(self, connection: socket.socket, deadline: Deadline, budget: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._budget = budget
        self._in_head = True

    def begin_body(self, budget: int) -> None:
        """Let that many bytes more be read, and let the connection end."""
        self._budget += budget
        self._in_head = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        self._connection.settimeout(_time_left(self._deadline))
        count = self._connection.recv_into(buffer)
        if not count and self._in_head:  # which http.client takes for the end of the headers
            raise HTTPException("the server hung up within its headers")
        self._budget -= count
        if self._budget < 0:
            raise HTTPException("the server sent too many bytes")
        return count

    def write(self, data: "Buffer") -> int:
        self._connection.settimeout(_time_left(self._deadline))
        self._connection.sendall(data)
        return memoryview(data).nbytes

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Stand in for a socket, of which http.client asks this alone."""
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
    """Return the redirect's location; http.client reads as Latin-1 what servers write as UTF-8.

    Raises:
        ValueError: there is none, or it is not UTF-8.

    """
    location = headers.get("Location")
    if location is None:
        raise ValueError("the redirect leads nowhere")
    return str(location).encode("latin-1").decode("utf-8")


def _announced_length(headers: Message) -> int | None:
    """Return the body's length, or None if it ends with its last chunk or the connection.

    Raises:
        ValueError: the body is compressed, or how it is framed can be read in two ways.

    """
    if _values(headers, "Content-Encoding") - {"identity"}:
        raise ValueError("the body is compressed")
    codings = _values(headers, "Transfer-Encoding")
    lengths = _values(headers, "Content-Length")
    if codings - {"chunked"} or len(lengths) + len(codings) > 1:
        raise ValueError("the body has no one length")
    for length in lengths:
        if not _LENGTH.fullmatch(length):
            raise ValueError("the length is no number")
        return int(length)
    return None


def _values(headers: Message, name: str) -> set[str]:
    return {str(value).strip().lower() for value in headers.get_all(name, [])}


def _time_left(deadline: Deadline) -> float:
    """Return the seconds until the deadline, more than 0.

    Raises:
        TimeoutError: it has passed.

    """
    left_s = deadline.expires_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the download took too long")
    return left_s
