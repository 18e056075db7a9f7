"""What real servers log of requests that no function gets to see."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from harness.processes import TIMEOUT_S
from harness.server import Server, running

PRIVATE = "a-private-key"

MALFORMED = [
    f"GET /nhn-face-reco/{PRIVATE} x HTTP/1.1\r\n\r\n",
    f"G@T /{PRIVATE} HTTP/9.9\r\n\r\n",
    f"POST /FaceDeID HTTP/1.1\r\nAuthorization {PRIVATE}\r\n\r\n",
    f"POST /FaceDeID HTTP/1.1\r\nHost: x\r\nAuthorization: {PRIVATE}\x00\r\n\r\n",
    f"POST /{PRIVATE} HTTP/1.1\r\nHost: x\r\nContent-Length: {PRIVATE}\r\n\r\n",
    f"POST /{PRIVATE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{PRIVATE}\r\nx\r\n",
]


@pytest.fixture(scope="module", params=["run", "serve"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with running(request.param, folder, WORKERS="1", LOG_LEVEL="DEBUG") as running_server:
        yield running_server


def send(server: Server, text: str) -> bytes:
    """Return all that is answered to some bytes."""
    address = urlsplit(server.url)
    assert address.hostname
    assert address.port
    answer = b""
    with socket.create_connection(
        (address.hostname, address.port), timeout=TIMEOUT_S
    ) as connection:
        connection.sendall(text.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
    return answer


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_request_is_refused_and_not_quoted(server: Server, text: str) -> None:
    answer = send(server, text)
    assert answer
    assert b" 500 " not in answer.splitlines()[0]
    log = server.log.read_text()
    assert PRIVATE not in log
    assert "Traceback" not in log
