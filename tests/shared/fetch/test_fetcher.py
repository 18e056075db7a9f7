"""Downloads from a local server that misbehaves in every way."""

import contextlib
import datetime
import ipaddress
import socket
import socketserver
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.core.errors import ImageDownloadTimeoutError, ImageTooLargeError, ImageUrlError
from shared.fetch.fetcher import GuardedFetcher

PUBLIC = "93.184.215.14"
ANOTHER_PUBLIC = "1.1.1.1"
LIMIT = 50_000  # bytes
LONG_S = 60.0  # for downloads that must not time out
SHORT_S = 0.3  # for those that must
PATIENCE_S = 60.0  # this server then closes the connection
PHOTO = bytes(range(256)) * 40

Page = Callable[[socket.socket], None]


def answer(*headers: str, body: bytes = b"", status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "\r\n")).encode() + body


def photo(*headers: str, status: str = "200 OK") -> bytes:
    return answer(f"Content-Length: {len(PHOTO)}", *headers, body=PHOTO, status=status)


def redirect(location: str, status: int = 302) -> bytes:
    return answer(f"Location: {location}", "Content-Length: 0", status=f"{status} Elsewhere")


def chunks(*bodies: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies)


def stalled(content: bytes) -> Page:
    def serve(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.recv(1)  # returns when the client hangs up

    return serve


def repeated(content: bytes, again: bytes, pause_s: float = 0.0) -> Page:
    def serve(connection: socket.socket) -> None:
        connection.sendall(content)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            connection.sendall(again)
            time.sleep(pause_s)

    return serve


CHUNKED = "Transfer-Encoding: chunked"
PAGES: dict[str, bytes | Page] = {
    "/photo": photo(),
    "/photo?size=%EA%B0%80": photo(),
    "/identity": photo("Content-Encoding: identity"),
    "/created": photo(status="201 Created"),
    "/continued": b"HTTP/1.1 100 Continue\r\n\r\n" + photo(),
    "/until-closed": answer(body=PHOTO),
    "/chunked": answer(CHUNKED, body=chunks(PHOTO[:1000], PHOTO[1000:]) + b"0\r\n\r\n"),
    "/length-given-twice": photo(f"Content-Length: {len(PHOTO)}"),
    "/announces-less": answer("Content-Length: 100", body=PHOTO),
    "/limit": answer(f"Content-Length: {LIMIT}", body=bytes(LIMIT)),
    # Redirects.
    "/to/relative": redirect("../photo"),
    "/to/path": redirect("/photo", 301),
    "/to/absolute": redirect("http://photos.example/photo", 303),
    "/to/other-host": redirect("//other.example/photo", 307),
    "/to/other-port": redirect("http://photos.example:12000/photo", 308),
    "/to/korean": redirect("/photo?size=가"),
    "/to/loop": redirect("/to/loop"),
    "/to/private": redirect("http://10.0.0.1/photo"),
    "/to/metadata": redirect("http://169.254.169.254/latest/meta-data/"),
    "/to/private-name": redirect("http://intranet.example/photo"),
    "/to/file": redirect("file:///etc/passwd"),
    "/to/gopher": redirect("gopher://photos.example/_photo"),
    "/to/ssh": redirect("http://photos.example:22/photo"),
    "/to/user": redirect("http://user@photos.example/photo"),
    "/to/ambiguous": redirect("http://photos.example\\@other.example/photo"),
    "/to/backslashes": redirect("\\\\other.example\\photo"),
    "/to/tabbed": redirect("http://photos.exa\tmple/photo"),
    "/to/nowhere": answer("Content-Length: 0", status="302 Found"),
    "/to/latin-1": answer(status="302 Found").replace(b"\r\n\r\n", b"\r\nLocation: /\xe9\r\n\r\n"),
    "/to/plain": redirect("http://photos.example/photo"),
    **{f"/hops/{n}": redirect(f"/hops/{n - 1}" if n > 1 else "/photo") for n in range(1, 5)},
    # Responses that are not images.
    "/204": answer(status="204 No Content"),
    "/205": photo(status="205 Reset Content"),
    "/206": photo(status="206 Partial Content"),
    "/300": photo(status="300 Multiple Choices"),
    "/304": photo(status="304 Not Modified"),
    "/404": photo(status="404 Not Found"),
    "/500": photo(status="500 Internal Server Error"),
    "/nothing": b"",
    "/no-http": b"SSH-2.0-OpenSSH_9.9\r\n",
    "/http-0.9": PHOTO,
    "/http-9": photo().replace(b"HTTP/1.1", b"HTTP/9.9"),
    "/half-a-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/gzip": photo("Content-Encoding: gzip"),
    "/gzip-chunks": answer("Transfer-Encoding: gzip, chunked", body=chunks(PHOTO) + b"0\r\n\r\n"),
    "/announces-more": answer("Content-Length: 99999", body=PHOTO)[:-1].replace(b"99999", b"20000"),
    "/two-lengths": photo("Content-Length: 5"),
    "/length-and-chunks": photo(CHUNKED),
    "/negative-length": answer("Content-Length: -1", body=PHOTO),
    "/worded-length": answer("Content-Length: many", body=PHOTO),
    "/cut-chunk": answer(CHUNKED, body=chunks(PHOTO)[:-9]),
    "/no-last-chunk": answer(CHUNKED, body=chunks(PHOTO)),
    "/odd-chunk": answer(CHUNKED, body=b"zz\r\n" + PHOTO),
    "/negative-chunk": answer(CHUNKED, body=b"-1\r\n" + PHOTO),
    "/long-header": photo("X-Long: " + "x" * 70_000),
    "/many-headers": photo(*(f"X-{n}: x" for n in range(1000))),
    "/large-headers": photo(*(f"X-{n}: {'x' * 1000}" for n in range(90))),
    "/endless-headers": repeated(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 1000 + b"\r\n"),
    "/endless-continue": repeated(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/endless-trailers": repeated(answer(CHUNKED, body=b"0\r\n"), b"X: " + b"x" * 1000 + b"\r\n"),
    # Too much.
    "/announces-too-much": stalled(answer(f"Content-Length: {LIMIT + 1}")),
    "/announces-far-too-much": stalled(answer("Content-Length: 999999999999999999")),
    "/one-too-many": answer(body=bytes(LIMIT + 1)),
    "/endless": repeated(answer(), bytes(1000)),
    "/endless-chunks": repeated(answer(CHUNKED), chunks(bytes(1000))),
    "/huge-chunk": repeated(answer(CHUNKED, body=b"ffffffffffff\r\n"), bytes(1000)),
    # Too slow.
    "/stalls": stalled(b""),
    "/stalls-in-head": stalled(b"HTTP/1.1 200 OK\r\nContent-"),
    "/stalls-in-body": stalled(photo()[:-1]),
    "/stalls-in-chunk": stalled(answer(CHUNKED, body=chunks(PHOTO)[:-9])),
    "/drips-head": repeated(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.02),
    "/drips-body": repeated(answer("Content-Length: 20000"), b"x", 0.02),
    "/drips-chunks": repeated(answer(CHUNKED), chunks(b"x"), 0.02),
}


class Site(socketserver.ThreadingTCPServer):
    """Serves the pages at an allowed port, over TLS if it has a context."""

    request_queue_size = 64

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Visit)
        self.port = port
        self.tls = tls
        self.requests: list[str] = []


class _Visit(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Site)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            connection: socket.socket = self.request
            connection.settimeout(PATIENCE_S)
            if self.server.tls is not None:
                secured = self.server.tls.wrap_socket(connection, server_side=True)
                connection = stack.enter_context(secured)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            self.server.requests.append(head.decode("ascii"))
            page = PAGES[head.split()[1].decode("ascii")]
            connection.sendall(page) if isinstance(page, bytes) else page(connection)


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = None
    for port in range(10_000, 12_001):
        with contextlib.suppress(OSError):
            site = Site(port, tls)
            break
    assert site is not None, "every port from 10000 to 12000 is taken"
    with site:
        thread = Thread(target=site.serve_forever, args=(0.01,))
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@dataclass
class Internet:
    """Names with addresses; every connection is recorded and goes to the same site."""

    site: Site | None = None
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.looked_up.append(host)
        if host in self.names:
            return self.names[host]
        try:  # like the system, which accepts `127.1` and the like as addresses
            found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
            return [str(address[0]) for *_, address in found]
        except OSError:
            return [PUBLIC]  # so that a URL that should be refused causes a connection

    def connect(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        self.connected.append(address)
        if self.site is None:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.site.port), timeout_s)

    def fetcher(self, *allowed: str, timeout_s: float = LONG_S) -> GuardedFetcher:
        return GuardedFetcher(
            max_bytes=LIMIT,
            timeout_s=timeout_s,
            allowed_private_hosts=frozenset(allowed),
            resolve=self.resolve,
            connect=self.connect,
        )


NAMES = {"localhost": ["127.0.0.1"], "intranet.example": ["10.0.0.1"]}

HOSTILE_URLS = [
    # Not a URL, or an unsupported one.
    "", " ", "photos.example", "photos.example/a.jpg", "/photo", "//photos.example/photo", "http:",
    "http://", "http:///photo", "http:/photos.example/photo", "http:photos.example/photo",
    "http://?", "http://#", "http://:80/", "https://:443", "://photos.example/",
    "http//photos.example",
    "file:///etc/passwd", "file://photos.example/etc/passwd", "ftp://photos.example/a.jpg",
    "gopher://photos.example:80/_GET", "dict://photos.example:11211/stats",
    "ldap://photos.example/", "jar:http://photos.example!/", "data:image/png;base64,AAAA",
    "javascript:alert(1)", "ws://photos.example/", "unix:///var/run/docker.sock",
    "url:http://photos.example/", "http+unix://photos.example/", "s3://photos.example/a.jpg",
    # Ports.
    "http://photos.example:22/", "http://photos.example:0/", "http://photos.example:81/",
    "http://photos.example:8080/", "http://photos.example:9999/", "http://photos.example:12001/",
    "http://photos.example:65535/", "http://photos.example:65616/", "http://photos.example:-80/",
    "http://photos.example:+80/", "http://photos.example:80x/", "http://photos.example:0x50/",
    "http://photos.example:\uff18\uff10/", "http://photos.example:80:80/",
    "http://photos.example: 80/",
    "https://photos.example:6379/", "http://photos.example:000080/",
    # Users, and characters that parsers disagree on.
    "http://user@photos.example/", "http://user:password@photos.example/",
    "http://@photos.example/",
    "http://photos.example@127.0.0.1/", "http://127.0.0.1@photos.example/",
    "http://photos.example\\@127.0.0.1/", "http://photos.example\\photo",
    "http://photos.example/a\\b", "http://photos.example/?a\\b",
    "http:\\\\photos.example\\photo", "http://photos.example%40127.0.0.1/",
    "http://photos.example%2f@127.0.0.1/", "http://photos%2eexample/", "http://127%2e0%2e0%2e1/",
    " http://photos.example/", "http://photos.example/ ", "http://photos.example/a b",
    "http://photos.exa\tmple/", "http://photos.example/\r\nHost: intranet",
    "ht\ntp://photos.example/",
    "http://photos.example/\x00", "http://photos.example\x7f/", "\x01http://photos.example/",
    "http://photos.example/\ud800", "http://photos..example/", "http://.photos.example/",
    "http://photos.example../", "http://./", "http://pho*tos.example/", "http://photos,example/",
    "http://photos.example;127.0.0.1/", "http://photos.example&other.example/",
    "http://photos.example℀other.example/", "http://photos.example\uff20127.0.0.1/",
    f"http://{'a' * 64}.example/", f"http://{'a.' * 127}example/",
    "http://photos.example/" + "a" * 9000,
    # Addresses that parsers interpret differently.
    "http://134744072/", "http://0x08080808/", "http://010.8.8.8/", "http://8.8.2056/",
    "http://8.526344/",
    "http://8.8.8.0x8/", "http://0X8.8.8.8/", "http://8.8.8.8.8/", "http://8.8.8.256/",
    "http://photos.example.127/", "http://2130706433/", "http://0x7f000001/",
    "http://017700000001/",
    "http://127.1/", "http://127.0.1/", "http://0/", "http://0177.0.0.1/", "http://0x7f.0.0.1/",
    "http://[93.184.215.14]/", "http://[1.1.1.1/", "http://1.1.1.1]/", "http://[]/", "http://[::1/",
    "http://[2606:4700::1111]x/", "http://x[2606:4700::1111]/", "http://[2606:4700::1111%25eth0]/",
    "http://[2606:4700::1111%eth0]/", "http://[v1.2606]/", "http://2606:4700::1111/",
    # Addresses that are not public.
    "http://127.0.0.1/", "http://127.0.0.1:80/", "https://127.0.0.1/", "http://127.0.0.1./",
    "http://127.255.255.254/", "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "http://127。0。0。1/", "http://①②⑦.0.0.1/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://\uff4cocalhost/",
    "http://0.0.0.0/", "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/", "http://100.100.100.200/",
    "http://[::]/", "http://[::1]/", "http://[::1]:80/", "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://[64:ff9b::127.0.0.1]/",
    "http://intranet.example/", "http://INTRANET.example./", "http://intranet.example:10000/",
]  # fmt: skip

PRIVATE_ADDRESSES = [
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255",
    "100.100.100.200", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.1",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "224.0.1.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1",
    "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b::224.0.0.1",
    "64:ff9b:1::1", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:0:808:808::1", "2001:2::1",
    "2001:1::1", "2001:3::1", "2001:4:112::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1",
    "4000::1", "5f00::1", "8000::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1",
    "2606:4700::1111%1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip

PUBLIC_ADDRESSES = [
    PUBLIC, "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
    "223.255.255.254", "168.63.129.17", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808",
]  # fmt: skip


def test_refuses_hostile_urls_before_any_connection(subtests: pytest.Subtests) -> None:
    internet = Internet(names=NAMES)
    fetcher = internet.fetcher()
    for url in HOSTILE_URLS:
        with subtests.test(url=url):
            internet.connected.clear()
            with pytest.raises(ImageUrlError):
                fetcher.fetch(url)
            assert internet.connected == []


def test_refuses_a_name_with_an_address_that_is_not_public(subtests: pytest.Subtests) -> None:
    names = {}
    for n, address in enumerate(PRIVATE_ADDRESSES):
        names[f"alone-{n}.example"] = [address]
        names[f"first-{n}.example"] = [address, PUBLIC]
        names[f"last-{n}.example"] = [PUBLIC] * 9 + [address]
    internet = Internet(names=names)
    fetcher = internet.fetcher()
    for name, addresses in names.items():
        with subtests.test(addresses=addresses):
            internet.connected.clear()
            with pytest.raises(ImageUrlError):
                fetcher.fetch(f"http://{name}/photo")
            assert internet.connected == []


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_connects_to_a_public_address(site: Site, address: str) -> None:
    internet = Internet(site, {"photos.example": [address]})
    assert internet.fetcher().fetch("http://photos.example/photo") == PHOTO
    assert internet.connected == [(address, 80)]


@pytest.mark.parametrize(
    ("url", "host", "header", "port"),
    [
        ("http://photos.example/photo", "photos.example", "photos.example", 80),
        ("HTTP://PHOTOS.example:/photo#top", "photos.example", "photos.example", 80),
        ("http://photos.example:443/photo", "photos.example", "photos.example:443", 443),
        ("http://photos.example.:10000/photo", "photos.example", "photos.example:10000", 10000),
        (
            "http://photos_1.example:12000/photo",
            "photos_1.example",
            "photos_1.example:12000",
            12000,
        ),
        ("http://사진.example/photo", "xn--vf4bi0o.example", "xn--vf4bi0o.example", 80),
        ("http://1.1.1.1/photo", "1.1.1.1", "1.1.1.1", 80),
        ("http://[2606:4700:0::1111]/photo", "2606:4700::1111", "[2606:4700::1111]", 80),
        ("http://photos.example/photo?size=가", "photos.example", "photos.example", 80),
    ],
)
def test_sends_the_host_of_the_url(site: Site, url: str, host: str, header: str, port: int) -> None:
    internet = Internet(site)
    assert internet.fetcher().fetch(url) == PHOTO
    assert internet.looked_up == [host]
    assert [connected[1] for connected in internet.connected] == [port]
    assert f"\r\nHost: {header}\r\n" in site.requests[0]


def test_requests_uncompressed_bytes_and_sends_no_other_headers(site: Site) -> None:
    Internet(site).fetcher().fetch("http://photos.example/photo?size=가")
    assert site.requests == [
        "GET /photo?size=%EA%B0%80 HTTP/1.1\r\nHost: photos.example\r\n"
        "User-Agent: face-functions\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ]


PHOTO_PATHS = [
    "/photo", "/identity", "/created", "/continued", "/until-closed", "/chunked",
    "/length-given-twice", "/to/relative", "/to/path", "/to/absolute", "/to/other-host",
    "/to/other-port", "/to/korean",
]  # fmt: skip


def test_downloads_photos(site: Site, subtests: pytest.Subtests) -> None:
    fetcher = Internet(site).fetcher()
    for path in PHOTO_PATHS:
        with subtests.test(path=path):
            assert fetcher.fetch("http://photos.example" + path) == PHOTO


def test_downloads_as_many_bytes_as_the_limit(site: Site) -> None:
    assert Internet(site).fetcher().fetch("http://photos.example/limit") == bytes(LIMIT)


def test_reads_no_more_than_the_announced_length(site: Site) -> None:
    assert Internet(site).fetcher().fetch("http://photos.example/announces-less") == PHOTO[:100]


def test_reads_from_an_allowed_private_host_over_the_real_network(site: Site) -> None:
    fetcher = GuardedFetcher(
        max_bytes=LIMIT, timeout_s=LONG_S, allowed_private_hosts=frozenset({"127.0.0.1"})
    )
    assert fetcher.fetch(f"http://127.0.0.1:{site.port}/photo") == PHOTO
    with pytest.raises(ImageUrlError):
        fetcher.fetch(f"http://127.0.0.2:{site.port}/photo")
    with pytest.raises(ImageUrlError):
        fetcher.fetch(f"http://localhost:{site.port}/photo")
    assert len(site.requests) == 1


def test_an_allowed_private_host_has_no_other_ports() -> None:
    internet = Internet()
    with pytest.raises(ImageUrlError):
        internet.fetcher("127.0.0.1").fetch("http://127.0.0.1:8080/photo")
    assert internet.connected == []


REFUSED_PATHS = [
    "/204", "/205", "/206", "/300", "/304", "/404", "/500", "/nothing", "/no-http", "/http-0.9",
    "/http-9", "/half-a-head", "/gzip", "/gzip-chunks", "/announces-more", "/two-lengths",
    "/length-and-chunks", "/negative-length", "/worded-length", "/cut-chunk", "/no-last-chunk",
    "/odd-chunk", "/negative-chunk", "/long-header", "/many-headers", "/large-headers",
    "/endless-headers", "/endless-continue", "/endless-trailers",
]  # fmt: skip


def test_refuses_incomplete_and_unsuccessful_responses(
    site: Site, subtests: pytest.Subtests
) -> None:
    fetcher = Internet(site).fetcher()
    for path in REFUSED_PATHS:
        with subtests.test(path=path):
            site.requests.clear()
            with pytest.raises(ImageUrlError):
                fetcher.fetch("http://photos.example" + path)
            assert len(site.requests) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/announces-too-much", "/announces-far-too-much", "/one-too-many", "/endless",
        "/endless-chunks", "/huge-chunk",
    ],
)  # fmt: skip
def test_stops_at_the_limit_of_bytes(site: Site, path: str) -> None:
    with pytest.raises(ImageTooLargeError):
        Internet(site).fetcher().fetch("http://photos.example" + path)


SLOW_PATHS = [
    "/stalls", "/stalls-in-head", "/stalls-in-body", "/stalls-in-chunk", "/drips-head",
    "/drips-body", "/drips-chunks",
]  # fmt: skip


def test_gives_up_slow_servers_of_every_kind(site: Site) -> None:
    fetcher = Internet(site).fetcher(timeout_s=SHORT_S)
    with ThreadPoolExecutor(len(SLOW_PATHS)) as pool:
        downloads = {
            path: pool.submit(fetcher.fetch, "http://photos.example" + path) for path in SLOW_PATHS
        }
    errors = {path: type(download.exception()) for path, download in downloads.items()}
    assert errors == dict.fromkeys(SLOW_PATHS, ImageDownloadTimeoutError)


def test_gives_up_a_server_that_never_completes_the_tls_handshake(site: Site) -> None:
    with pytest.raises(ImageDownloadTimeoutError):
        Internet(site).fetcher(timeout_s=SHORT_S).fetch("https://photos.example/photo")


def test_gives_up_a_name_that_never_resolves() -> None:
    internet = Internet()
    released, ended = Event(), Event()

    def hang(_host: str, _port: int) -> list[str]:
        released.wait(PATIENCE_S)
        ended.set()
        return [PUBLIC]

    fetcher = GuardedFetcher(
        max_bytes=LIMIT, timeout_s=SHORT_S, resolve=hang, connect=internet.connect
    )
    with pytest.raises(ImageDownloadTimeoutError):
        fetcher.fetch("http://photos.example/photo")
    assert not ended.is_set()
    released.set()
    assert ended.wait(PATIENCE_S)
    assert internet.connected == []


def test_gives_up_addresses_that_do_not_respond_in_time() -> None:
    waits = []

    def hang(_address: tuple[str, int], timeout_s: float) -> socket.socket:
        waits.append(timeout_s)
        time.sleep(timeout_s)
        raise TimeoutError

    fetcher = GuardedFetcher(
        max_bytes=LIMIT,
        timeout_s=SHORT_S,
        resolve=lambda _host, _port: [PUBLIC, ANOTHER_PUBLIC],
        connect=hang,
    )
    with pytest.raises(ImageDownloadTimeoutError):
        fetcher.fetch("http://photos.example/photo")
    assert sum(waits) <= SHORT_S


@pytest.mark.parametrize(
    "path",
    [
        "/to/private", "/to/metadata", "/to/private-name", "/to/file", "/to/gopher", "/to/ssh",
        "/to/user", "/to/ambiguous", "/to/backslashes", "/to/tabbed", "/to/nowhere", "/to/latin-1",
    ],
)  # fmt: skip
def test_refuses_redirects_to_urls_that_are_refused(site: Site, path: str) -> None:
    internet = Internet(site, NAMES)
    with pytest.raises(ImageUrlError):
        internet.fetcher().fetch("http://photos.example" + path)
    assert internet.connected == [(PUBLIC, 80)]


def test_follows_three_redirects_and_no_more(site: Site) -> None:
    assert Internet(site).fetcher().fetch("http://photos.example/hops/3") == PHOTO
    for path in ("/hops/4", "/to/loop"):
        internet = Internet(site)
        with pytest.raises(ImageUrlError):
            internet.fetcher().fetch("http://photos.example" + path)
        assert len(internet.connected) == 4


def test_connects_to_the_checked_address_at_each_redirect(site: Site) -> None:
    internet = Internet(site)
    addresses = iter([[PUBLIC], [ANOTHER_PUBLIC], ["127.0.0.1"]])
    fetcher = GuardedFetcher(
        max_bytes=LIMIT,
        timeout_s=LONG_S,
        resolve=lambda _host, _port: next(addresses),
        connect=internet.connect,
    )
    with pytest.raises(ImageUrlError):
        fetcher.fetch("http://photos.example/hops/3")
    assert internet.connected == [(PUBLIC, 80), (ANOTHER_PUBLIC, 80)]
    assert next(addresses, None) is None


@pytest.mark.parametrize("failure", [ConnectionRefusedError, TimeoutError])
def test_tries_the_next_address_if_one_fails(site: Site, failure: type[OSError]) -> None:
    internet = Internet(site, {"photos.example": [ANOTHER_PUBLIC, PUBLIC]})

    def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
        if address[0] == ANOTHER_PUBLIC:
            assert timeout_s <= LONG_S / 2  # time is left for the other one
            raise failure
        return internet.connect(address, timeout_s)

    fetcher = GuardedFetcher(
        max_bytes=LIMIT, timeout_s=LONG_S, resolve=internet.resolve, connect=connect
    )
    assert fetcher.fetch("http://photos.example/photo") == PHOTO


def test_refuses_a_host_that_is_unknown_or_refuses_to_connect() -> None:
    def resolve_nothing(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    fetcher = GuardedFetcher(max_bytes=LIMIT, timeout_s=LONG_S, resolve=resolve_nothing)
    for refused in (fetcher, Internet().fetcher(), Internet(names={"a.example": []}).fetcher()):
        with pytest.raises(ImageUrlError):
            refused.fetch("http://a.example/photo")


def test_ignores_the_proxies_of_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://8.8.8.8:10001")
        monkeypatch.setenv(name.upper(), "http://8.8.8.8:10001")
    internet = Internet(site)
    assert internet.fetcher().fetch("http://photos.example/photo") == PHOTO
    assert internet.connected == [(PUBLIC, 80)]
    assert site.requests[0].startswith("GET /photo HTTP/1.1\r\n")


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate of photos.example and 1.1.1.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "photos.example")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("photos.example"), x509.IPAddress(ipaddress.ip_address(ANOTHER_PUBLIC))]
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def asked_for() -> list[str | None]:
    """The server names of the TLS handshakes (SNI)."""
    return []


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def secure_site(pem: Path, asked_for: list[str | None]) -> Iterator[Site]:
    def note(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        asked_for.append(name)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    tls.sni_callback = note
    with serving(tls) as site:
        yield site


def test_refuses_a_self_signed_certificate(secure_site: Site, asked_for: list[str | None]) -> None:
    with pytest.raises(ImageUrlError):
        Internet(secure_site).fetcher().fetch("https://photos.example/photo")
    assert asked_for == ["photos.example"]
    assert secure_site.requests == []


def test_downloads_over_tls_from_a_server_with_a_valid_certificate(
    secure_site: Site, pem: Path, asked_for: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    internet = Internet(secure_site)
    fetcher = internet.fetcher()
    assert fetcher.fetch("https://photos.example/photo") == PHOTO
    assert fetcher.fetch("https://1.1.1.1:10443/photo") == PHOTO
    assert internet.connected == [(PUBLIC, 443), (ANOTHER_PUBLIC, 10443)]
    with pytest.raises(ImageUrlError):
        fetcher.fetch("https://other.example/photo")
    assert asked_for == ["photos.example", None, "other.example"]
    assert len(secure_site.requests) == 2


@pytest.mark.parametrize("path", ["/until-closed", "/announces-more", "/to/plain"])
def test_refuses_truncated_tls_and_redirects_to_http(
    secure_site: Site, pem: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    internet = Internet(secure_site)
    with pytest.raises(ImageUrlError):
        internet.fetcher().fetch("https://photos.example" + path)
    assert len(secure_site.requests) == 1
    assert internet.connected == [(PUBLIC, 443)]


def test_refuses_a_server_that_responds_to_tls_in_plain_text() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(photo())
    fetcher = GuardedFetcher(
        max_bytes=LIMIT,
        timeout_s=LONG_S,
        resolve=lambda _host, _port: [PUBLIC],
        connect=lambda _address, _timeout_s: ours,
    )
    with theirs, pytest.raises(ImageUrlError):
        fetcher.fetch("https://photos.example/photo")
