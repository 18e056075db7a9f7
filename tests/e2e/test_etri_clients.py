"""The vendor's sample clients against a real server process, byte by byte over a socket."""

import base64
import http.client
import json
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness import photos
from harness.server import Server, running
from tests import examples

GOLDEN = examples.FOLDER / "etri"
CLIENTS = sorted(path.stem for path in GOLDEN.glob("*.http"))
ESCAPES = {"java": ("=", r"\u003d"), "php": ("/", r"\/")}

KEY = "the-key-of-this-server"
TIMEOUT_S = 60
EXPECT_TIMEOUT_S = 1  # how long libcurl waits for "100 Continue" before it sends the body
PIECE = 1024  # bytes


@dataclass(frozen=True)
class Message:
    """A request as it goes over the wire; the head ends in its empty line."""

    head: bytes
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.content)
        return answer


@pytest.fixture(scope="module", params=["run", "serve"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with running(request.param, folder, LOCAL_KEY=KEY) as running_server:
        yield running_server


def host_of(server: Server) -> str:
    return server.url.removeprefix("http://")


def message(server: Server, client: str, *edits: tuple[str, str]) -> Message:
    """Return a client's request for the astronaut, its template edited by (old, new) texts."""
    template = (GOLDEN / f"{client}.http").read_text(encoding="utf-8")
    for old, new in edits:
        assert template.count(old) == 1
        template = template.replace(old, new)
    file = base64.b64encode(photos.astronaut_jpeg()).decode("ascii")
    if client in ESCAPES:
        assert ESCAPES[client][0] in file
        file = file.replace(*ESCAPES[client])
    head, body = template.replace("{key}", KEY).split("\n\n", 1)
    body = body.replace("{file}", file)
    head = head.replace("{host}", host_of(server)).replace("{length}", str(len(body)))
    lines = [*head.split("\n"), "", ""]
    return Message("\r\n".join(lines).encode("ascii"), body.encode("ascii"))


def connect(server: Server) -> socket.socket:
    host, port = host_of(server).split(":")
    connection = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send(connection: socket.socket, request: Message, piece: int) -> None:
    connection.sendall(request.head)
    if b"Expect: 100-continue" in request.head:
        select.select([connection], [], [], EXPECT_TIMEOUT_S)
    for start in range(0, len(request.body), piece):
        connection.sendall(request.body[start : start + piece])


def read(connection: socket.socket) -> Answer:
    """Return the final answer, and see that nothing follows the content of the given length."""
    with connection.makefile("rb") as stream:
        status = 100
        while status < 200:  # interim answers have no content
            version, code, _ = stream.readline().decode().split(" ", 2)
            assert version == "HTTP/1.1"
            status = int(code)
            headers = http.client.parse_headers(stream)
        content = stream.read(int(headers["Content-Length"]))
        connection.shutdown(socket.SHUT_WR)
        assert stream.read() == b""
    return Answer(status, headers, content)


def exchange(server: Server, request: Message, piece: int | None = None) -> Answer:
    with connect(server) as connection:
        send(connection, request, piece or len(request.body))
        return read(connection)


def check_headers(answer: Answer) -> None:
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "Transfer-Encoding" not in answer.headers


def check_success(answer: Answer, faces_field: str = "results") -> None:
    check_headers(answer)
    assert answer.status == 200
    assert list(answer.json) == list(examples.read("etri/face_deid.json"))
    found = answer.json["return_object"]
    assert list(found) == [faces_field, "file", "type"]
    (face,) = found[faces_field]
    x1, y1, x2, y2 = face["bbox"]
    assert x1 < 225 < x2  # the nose of the astronaut
    assert y1 < 120 < y2
    assert 0.5 < face["conf"] <= 1
    assert base64.b64decode(found["file"], validate=True).startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("piece", [None, PIECE], ids=["in one piece", "in many pieces"])
def test_answers_a_sample_client(server: Server, client: str, piece: int | None) -> None:
    answer = exchange(server, message(server, client), piece)
    check_success(answer)
    assert {**answer.json, "return_object": {}} == examples.read("etri/face_deid.json")


@pytest.mark.parametrize("client", CLIENTS)
def test_refuses_a_sample_client_without_a_key(server: Server, client: str) -> None:
    header = "Authorization:{key}\n" if client == "php" else "Authorization: {key}\n"
    answer = exchange(server, message(server, client, (header, "")))
    check_headers(answer)
    assert answer.status == 403
    refusal = examples.read("errors/etri.json")["MissingKeyError"]["payload"]
    assert list(answer.json) == list(refusal)
    assert answer.json == refusal


def test_tells_a_client_that_waits_for_it_to_send_the_body(server: Server) -> None:
    request = message(server, "cpp")
    with connect(server) as connection:
        connection.sendall(request.head)
        assert connection.recv(PIECE).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(request.body)
        check_success(read(connection))


def test_returns_the_request_id_of_the_caller(server: Server) -> None:
    request = message(server, "node", ('{"argument"', '{"request_id":"mine","argument"'))
    answer = exchange(server, request)
    check_success(answer)
    assert answer.json["request_id"] == "mine"


def test_takes_the_key_from_the_body_as_older_clients_send_it(server: Server) -> None:
    in_body = [
        ("Authorization: {key}\n", ""),
        ('{"argument"', '{"access_key":"{key}","argument"'),
    ]
    check_success(exchange(server, message(server, "node", *in_body)), faces_field="faces")


@pytest.mark.parametrize(
    "edit",
    [
        ('"type":"1"', '"type":1'),
        ("Authorization: {key}", "Authorization: Bearer {key}"),
        ("Authorization: {key}", "authorization: {key}"),
    ],
    ids=["type as a number", "bearer", "lower-case header"],
)
def test_takes_a_variant(server: Server, edit: tuple[str, str]) -> None:
    check_success(exchange(server, message(server, "node", edit)))
