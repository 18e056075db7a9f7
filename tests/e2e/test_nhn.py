"""A story of NHN Face Recognition over HTTP, on both backends."""

import base64
import contextlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from harness import builders, photos
from harness.processes import TIMEOUT_S
from harness.server import Server, running
from shared.app import App
from tests.e2e import aws

KEY = "the-app-key-of-this-server"
BACKENDS = ["local", "aws"]


@pytest.fixture(scope="module", params=BACKENDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        environ = stack.enter_context(aws.running()) if request.param == "aws" else {}
        environ |= {"LOCAL_KEY": KEY, "ALLOWED_PRIVATE_HOSTS": "127.0.0.1"}
        yield stack.enter_context(running("serve", folder, **environ))


class Api:
    def __init__(self, server: Server, key: str = KEY) -> None:
        self.base = f"{server.url}/nhn-face-reco/v1.0/appkeys/{key}"

    def __call__(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        reply = requests.request(
            method,
            self.base + path,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json;charset=UTF-8"},
            timeout=TIMEOUT_S,
        )
        assert reply.status_code == 200
        answer: dict[str, Any] = reply.json()
        return answer


def image(name: str) -> dict[str, str]:
    return {"bytes": base64.b64encode(photos.load(name)).decode()}


def test_a_story_from_the_first_group_to_the_last(server: Server) -> None:
    api = Api(server)
    assert api("POST", "/groups", {"groupId": "story"})["header"]["resultCode"] == 0
    assert api("POST", "/groups", {"groupId": "story"})["header"]["resultCode"] == -40020
    faces = {}
    for name in ("obama.jpg", "biden.jpg"):
        added = api(
            "POST", "/groups/story", {"image": image(name), "limit": 1, "externalImageId": name}
        )
        assert added["data"]["addedFaceCount"] == 1
        faces[name] = added["data"]["addedFaces"][0]["faceId"]
    assert api("GET", "/groups/story")["data"]["groups"][0]["faceCount"] == 2

    found = api("POST", "/groups/story/search?limit=5&threshold=80", {"image": image("obama2.jpg")})
    assert [m["face"]["faceId"] for m in found["data"]["matchFaces"]] == [faces["obama.jpg"]]
    path = f"/groups/story/faces/{faces['obama.jpg']}?limit=5&threshold=1"
    others = api("GET", path)["data"]["matchFaces"]
    assert [m["face"]["faceId"] for m in others] == [faces["biden.jpg"]]

    page = api("GET", "/groups/story/faces?limit=1")["data"]
    rest = api("GET", f"/groups/story/faces?limit=1&next-token={page['nextToken']}")["data"]
    listed = [face["faceId"] for face in page["faces"] + rest["faces"]]
    assert listed == [faces["biden.jpg"], faces["obama.jpg"]]
    assert rest["nextToken"] is None

    path = f"/groups/story/faces/{faces['obama.jpg']}"
    assert api("DELETE", path)["header"]["resultCode"] == 0
    assert api("DELETE", path)["header"]["resultCode"] == -40050
    found = api("POST", "/groups/story/search?limit=5&threshold=80", {"image": image("obama2.jpg")})
    assert found["data"]["matchFaces"] == []

    pair = {"sourceImage": image("obama.jpg"), "targetImage": image("obama3.jpg")}
    assert api("POST", "/compare?threshold=80", pair)["data"]["matchedFaceDetailCount"] == 1
    assert api("DELETE", "/groups/story")["header"]["resultCode"] == 0
    assert api("GET", "/groups/story")["header"]["resultCode"] == -40030


def test_faces_added_at_once_are_counted_exactly(server: Server) -> None:
    api = Api(server)
    api("POST", "/groups", {"groupId": "busy"})
    body = {"image": image("biden.jpg"), "limit": 1}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api("POST", "/groups/busy", body), range(16)))
    assert {answer["header"]["resultCode"] for answer in answers} == {0}
    added = {answer["data"]["addedFaces"][0]["faceId"] for answer in answers}
    assert len(added) == 16
    assert api("GET", "/groups/busy")["data"]["groups"][0]["faceCount"] == 16
    listed = api("GET", "/groups/busy/faces?limit=200")["data"]["faces"]
    assert {face["faceId"] for face in listed} == added
    for _ in range(4):  # whichever worker answers knows every face
        found = api("POST", "/groups/busy/search?limit=99&threshold=99", {"image": body["image"]})
        assert found["data"]["matchFaceCount"] == 16
    api("DELETE", "/groups/busy")


class _Photos(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        self.send_response(200 if name.endswith(".jpg") else 404)
        self.end_headers()
        if name.endswith(".jpg"):
            self.wfile.write(photos.load(name))

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextlib.contextmanager
def photos_at(ports: Iterable[int]) -> Iterator[int]:
    """Serve the photos at the first of the ports that is free."""
    web = None
    for port in ports:
        with contextlib.suppress(OSError):
            web = ThreadingHTTPServer(("127.0.0.1", port), _Photos)
            break
    assert web is not None, "every port is taken"
    with web:
        thread = Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        yield web.server_port
        web.shutdown()
        thread.join()


def test_an_image_may_be_named_by_url_where_its_host_is_allowed(server: Server) -> None:
    def detect(url: str) -> dict[str, Any]:
        return Api(server)("POST", "/detect", {"image": {"url": url}})

    with photos_at(range(10_000, 12_001)) as port:
        found = detect(f"http://127.0.0.1:{port}/obama.jpg")
        assert found["header"]["resultCode"] == 0
        assert found["data"]["faceDetailCount"] == 1
        assert detect(f"http://127.0.0.1:{port}/x")["header"]["resultCode"] == -45050
        assert detect(f"http://localhost:{port}/obama.jpg")["header"]["resultCode"] == -45050
    with photos_at(range(12_001, 14_000)) as port:
        refused = detect(f"http://127.0.0.1:{port}/obama.jpg")
        assert refused["header"]["resultCode"] == -45050


def vectors_of(data_dir: Path, group_id: str) -> list[bytes]:
    """Return pieces of the plain vectors of a group of the embedded store, none of another's."""
    if not data_dir.exists():
        return []
    app = App(builders.settings(data_dir))
    group = app.groups.get("local", group_id)
    faces = app.faces.list_page(group, before=None, limit=9)
    assert faces
    vectors = [app.sealer.open(group, face.face_id, face.sealed_vector) for face in faces]
    return [vector[start : start + 8].tobytes() for vector in vectors for start in (0, 64)]


def test_stores_and_logs_nothing_private(server: Server) -> None:
    api = Api(server)
    api("POST", "/groups", {"groupId": "private"})
    photo = photos.load("obama.jpg")
    api("POST", "/groups/private", {"image": image("obama.jpg"), "limit": 1})
    api("POST", "/groups/private/search?limit=1&threshold=1", {"image": image("obama.jpg")})
    Api(server, key="a-key-of-nobody-else")("GET", "/groups?limit=1")
    secrets = [
        KEY.encode(), b"a-key-of-nobody-else", photo[5000:5064],
        base64.b64encode(photo)[6000:6064], b"\xff\xd8\xff", b"\x89PNG",
    ]  # fmt: skip
    secrets += vectors_of(server.log.parent / "data", "private")
    for path in server.log.parent.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
