"""FaceDeID over HTTP, against a real server process, as the vendor's clients call it."""

import base64
import http.client
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from harness import photos
from harness.processes import TIMEOUT_S
from harness.server import Server, running

KEY = "the-key-of-this-server"


@pytest.fixture(scope="module", params=["run", "serve"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with running(request.param, folder, LOCAL_KEY=KEY, MAX_BODY_BYTES="1000000") as running_server:
        yield running_server


def post(
    server: Server, body: object, key: str | None = KEY, path: str = "/FaceDeID"
) -> requests.Response:
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    if key is not None:
        headers["Authorization"] = key
    return requests.post(
        server.url + path, data=json.dumps(body), headers=headers, timeout=TIMEOUT_S
    )


def body_of(image: bytes) -> dict[str, object]:
    return {"argument": {"type": "1", "file": base64.b64encode(image).decode("utf8")}}


def test_hides_the_face_of_a_photo(server: Server) -> None:
    reply = post(server, body_of(photos.astronaut_jpeg()))
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    assert "Transfer-Encoding" not in reply.headers
    found = reply.json()["return_object"]
    assert len(found["results"]) == 1
    assert base64.b64decode(found["file"]).startswith(b"\xff\xd8\xff")


def test_takes_the_raw_request_of_the_vendors_node_client(server: Server) -> None:
    body = json.dumps(body_of(photos.astronaut_jpeg()))
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.request(
        "POST", "/FaceDeID", body, {"Content-Type": "application/json", "Authorization": KEY}
    )
    assert json.loads(connection.getresponse().read())["result"] == 0
    connection.close()


@pytest.mark.parametrize(
    ("path", "key", "status", "reason"),
    [
        ("/FaceDeID", None, 403, "Empty Auth Header"),
        ("/FaceDeID", "another", 403, "Invalid Key KEY"),
        ("/FaceDeID/sub", KEY, 403, "Not Allowed Subpath"),
        ("/FaceDeID//", KEY, 403, "Not Allowed Subpath"),
        ("/nothing", KEY, 403, "Invalid API"),
        ("/", KEY, 403, "Invalid API"),
    ],
)
def test_refuses(server: Server, path: str, key: str | None, status: int, reason: str) -> None:
    reply = post(server, {}, key, path)
    assert (reply.status_code, reply.json()["reason"]) == (status, reason)
    assert reply.history == []


def test_get_is_no_api(server: Server) -> None:
    reply = requests.get(
        server.url + "/FaceDeID", headers={"Authorization": KEY}, timeout=TIMEOUT_S
    )
    assert (reply.status_code, reply.json()["reason"]) == (403, "Invalid API")


@pytest.mark.parametrize("size", [1_000_001, 5_000_000])
def test_refuses_a_large_body_with_an_answer(server: Server, size: int) -> None:
    reply = requests.post(server.url + "/FaceDeID", data=b"x" * size, timeout=TIMEOUT_S)
    assert (reply.status_code, reply.json()["reason"]) == (413, "Body Size Limit Exceeded")


def test_refuses_a_large_chunked_body(server: Server) -> None:
    chunks = (b"x" * 100_000 for _ in range(15))
    reply = requests.post(server.url + "/FaceDeID", data=chunks, timeout=TIMEOUT_S)
    assert (reply.status_code, reply.json()["reason"]) == (413, "Body Size Limit Exceeded")


def test_tells_its_health(server: Server) -> None:
    health = requests.get(server.url + "/health", timeout=TIMEOUT_S).json()
    assert health["status"] == "ok"
    assert health["backend"] == "local"
    assert health["executionProvider"] == "cpu"
    assert health["version"]
    assert health["models"]["yunet"] == "yunet-2023mar"


def test_serves_calls_at_once(server: Server) -> None:
    names = ["obama.jpg", "biden.jpg", "obama2.jpg"] * 3
    with ThreadPoolExecutor(9) as pool:
        replies = list(pool.map(lambda name: post(server, body_of(photos.load(name))), names))
    counts = [len(reply.json()["return_object"]["results"]) for reply in replies]
    assert counts == counts[:3] * 3
    assert all(counts)


def test_stores_and_logs_nothing_private(server: Server) -> None:
    image = photos.load("biden.jpg")
    post(server, {"access_key": KEY, **body_of(image)}, key=None)
    post(server, body_of(image), path=f"/nhn/{KEY}/x")
    folder = server.log.parent
    secrets = [KEY.encode(), image[2000:2064], base64.b64encode(image)[3000:3064], b"\xff\xd8\xff"]
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert any(json.loads(line).get("route") == "POST /FaceDeID" for line in lines)


def test_a_run_without_settings_knows_the_key_for_development(tmp_path: Path) -> None:
    with running("run", tmp_path) as server:
        reply = post(server, body_of(b"x"), "local-dev-key")
        assert reply.json()["result"] == 0


def test_a_serve_without_settings_knows_no_key(tmp_path: Path) -> None:
    with running("serve", tmp_path) as server:
        assert post(server, {}, "local-dev-key").json()["reason"] == "Invalid Key KEY"


@pytest.mark.parametrize("command", ["run", "serve"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly(tmp_path: Path, command: str, how: signal.Signals) -> None:
    with running(command, tmp_path) as server:
        assert server.stop(how) == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url + "/health", timeout=TIMEOUT_S)
        assert "Traceback" not in server.log.read_text()
