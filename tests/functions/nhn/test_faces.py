"""Detecting, adding, listing and deleting faces."""

import uuid
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import builders, photos
from shared.app import App
from shared.core.photos.models import Box
from shared.core.recognition import faces as core_faces
from shared.core.recognition.models import StoredFace
from tests.functions.nhn.client import NhnClient, image


def decoded(photo: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def encoded(pixels: Any, suffix: str = ".jpg") -> bytes:
    return bytes(cv2.imencode(suffix, pixels)[1].tobytes())


def test_detects_the_face_where_it_is(client: NhnClient) -> None:
    data = client.data("POST", "/detect", {"image": image(photos.astronaut_jpeg())})
    assert data["faceDetailCount"] == 1
    (face,) = data["faceDetails"]
    box = face["bbox"]
    assert 170 / 512 - 0.05 < box["x0"] < 180 / 512 + 0.06
    assert 170 / 512 < box["y1"] < 210 / 512
    assert 90 < face["confidence"] <= 100
    points = {mark["type"]: (mark["x"], mark["y"]) for mark in face["landmarks"]}
    assert list(points) == ["leftEye", "rightEye", "nose", "leftLip", "rightLip"]
    assert points["leftEye"][0] < points["nose"][0] < points["rightEye"][0]
    assert points["leftEye"][1] < points["nose"][1] < points["leftLip"][1]
    assert all(box["x0"] < x < box["x1"] and box["y0"] < y < box["y1"] for x, y in points.values())
    assert set(face["orientation"]) == {"x", "y", "z"}


def test_detects_the_largest_first(client: NhnClient) -> None:
    data = client.data("POST", "/detect", {"image": image(photos.side_by_side(*photos.TWO_PEOPLE))})
    boxes = [face["bbox"] for face in data["faceDetails"]]
    areas = [(b["x1"] - b["x0"]) * (b["y1"] - b["y0"]) for b in boxes]
    assert len(areas) == 2
    assert areas == sorted(areas, reverse=True)


def test_a_photo_without_a_face_is_a_success(client: NhnClient) -> None:
    grey = encoded(np.full((200, 200, 3), 128, np.uint8))
    data = client.data("POST", "/detect", {"image": image(grey)})
    assert data == {"faceDetailCount": 0, "faceDetails": []}


def test_leaves_out_faces_under_60_pixels(client: NhnClient) -> None:
    pixels = decoded(photos.astronaut_jpeg())
    small = encoded(cv2.resize(pixels, (200, 200), interpolation=cv2.INTER_AREA))
    assert client.data("POST", "/detect", {"image": image(small)})["faceDetailCount"] == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, -40000),
        ({}, -40000),
        ("x", -40000),
        ({"bytes": None}, -40000),
        ({"bytes": 7}, -40000),
        ({"bytes": ""}, -40000),
        ({"bytes": "no base64!"}, -40000),
        ({"url": 7}, -40000),
        ({"url": "http://a/", "bytes": "AAAA"}, -40000),
        ({"bytes": "AAAA"}, -45040),
        (image(b"GIF89a" + bytes(100)), -45040),
        (image(b"\xff\xd8\xff\xe0" + bytes(100)), -45040),
        (image(photos.astronaut_jpeg()[:30_000]), -45040),
        (image(bytes(5_000_001)), -45020),
        (image(encoded(np.zeros((79, 200, 3), np.uint8))), -40000),
        (image(encoded(np.zeros((200, 79, 3), np.uint8))), -40000),
        (image(encoded(np.zeros((99, 99, 3), np.uint8), ".bmp")), -45040),
        ({"url": "file:///etc/passwd"}, -45050),
        ({"url": "http://127.0.0.1:80/"}, -45050),
        ({"url": "http://169.254.169.254/latest/meta-data"}, -45050),
    ],
)
def test_refuses_an_unusable_image(client: NhnClient, given: object, code: int) -> None:
    group = client.create_group()
    assert client.code("POST", "/detect", {"image": given}) == code
    assert client.code("POST", group, {"image": given, "limit": 1}) == code
    search = f"{group}/search?limit=1&threshold=1"
    assert client.code("POST", search, {"image": given}) == code


def test_refuses_a_photo_with_too_many_pixels(store: App, tmp_path: Path) -> None:
    settings = builders.settings(tmp_path, MAX_PIXELS="10000")
    refused = NhnClient(builders.app_with(settings, keys=store.keys), builders.KEY)
    assert refused.code("POST", "/detect", {"image": image(photos.astronaut_jpeg())}) == -45020


def test_adds_the_faces_of_a_photo(client: NhnClient) -> None:
    group = client.create_group()
    data = client.add(group, photos.side_by_side(*photos.TWO_PEOPLE), externalImageId="two.png")
    assert (data["addedFaceCount"], data["notAddedFaceCount"]) == (2, 0)
    first, second = data["addedFaces"]
    assert first["faceId"] != second["faceId"]
    assert first["imageId"] == second["imageId"]
    assert {uuid.UUID(first["faceId"]).version, uuid.UUID(first["imageId"]).version} == {4}
    assert first["externalImageId"] == "two.png"
    assert [face["bbox"] for face in data["addedFaces"]] == [
        detail["bbox"] for detail in data["addedFaceDetails"]
    ]
    assert client.data("GET", group)["groups"][0]["faceCount"] == 2


def test_the_same_photo_twice_gets_new_ids(client: NhnClient) -> None:
    group = client.create_group()
    ids = {client.add(group, photos.load("obama.jpg"))["addedFaces"][0]["faceId"] for _ in "12"}
    assert len(ids) == 2
    assert client.data("GET", group)["groups"][0]["faceCount"] == 2


def test_faces_beyond_the_limit_are_not_added(client: NhnClient) -> None:
    group = client.create_group()
    data = client.add(group, photos.side_by_side(*photos.TWO_PEOPLE), limit=1)
    assert (data["addedFaceCount"], data["notAddedFaceCount"]) == (1, 1)
    assert set(data["notAddedFaces"][0]) == {"bbox", "landmarks", "orientation", "confidence"}


def test_adding_a_photo_without_a_face_is_a_success(client: NhnClient) -> None:
    group = client.create_group()
    data = client.add(group, encoded(np.full((200, 200, 3), 128, np.uint8)))
    assert (data["addedFaceCount"], data["notAddedFaceCount"]) == (0, 0)


@pytest.mark.parametrize("limit", [None, 0, 21, "x", 1.5, True, []])
def test_refuses_a_limit_of_faces_out_of_range(client: NhnClient, limit: object) -> None:
    group = client.create_group()
    body = {"image": image(photos.load("obama.jpg")), "limit": limit}
    assert client.code("POST", group, body) == -40000


@pytest.mark.parametrize("limit", [1, 20, "20"])
def test_accepts_a_limit_of_faces_in_range(client: NhnClient, limit: object) -> None:
    group = client.create_group()
    body = {"image": image(photos.load("obama.jpg")), "limit": limit}
    assert client.code("POST", group, body) == 0


@pytest.mark.parametrize("label", ["", "a b", "a/b", "한", "a" * 256, 7, ["a"], "a\n"])
def test_refuses_a_label_outside_the_pattern(client: NhnClient, label: object) -> None:
    group = client.create_group()
    body = {"image": image(photos.load("obama.jpg")), "limit": 1, "externalImageId": label}
    assert client.code("POST", group, body) == -40000


@pytest.mark.parametrize("label", ["a", "A-1_b.c:d", "a" * 255])
def test_accepts_a_label_within_the_pattern(client: NhnClient, label: str) -> None:
    group = client.create_group()
    client.add(group, photos.load("obama.jpg"), externalImageId=label)
    (face,) = client.data("GET", f"{group}/faces?limit=1")["faces"]
    assert face["externalImageId"] == label


def fill(store: App, group_id: str, count: int) -> None:
    """Put faces into a group as if they had been enrolled."""
    group = store.groups.get("acme", group_id)
    new = []
    for _ in range(count):
        face_id = str(uuid.uuid4())
        vector = np.ones(128, np.float32) / np.sqrt(128).astype(np.float32)
        sealed = store.sealer.seal(group, face_id, vector)
        box = Box(0, 0, 1, 1)
        new.append(StoredFace(face_id, face_id, None, box, 1.0, sealed))
    for start in range(0, count, 1000):
        store.faces.add(group, new[start : start + 1000], capacity=core_faces.CAPACITY)


def test_a_group_takes_100_000_faces_and_not_one_more(client: NhnClient, store: App) -> None:
    group = client.create_group("full")
    fill(store, "full", core_faces.CAPACITY - 1)
    answer = client.answer(
        "POST", group, {"image": image(photos.side_by_side(*photos.TWO_PEOPLE)), "limit": 20}
    )
    assert answer["header"] == {
        "resultCode": 40070,
        "resultMessage": "ServiceQuotaExceededPartialSuccessException",
        "isSuccessful": True,
    }
    assert answer["data"]["addedFaceCount"] == 1
    assert answer["data"]["notAddedFaceCount"] == 1
    body = {"image": image(photos.load("obama.jpg")), "limit": 1}
    refused = client.answer("POST", group, body)
    assert refused["header"]["resultCode"] == -40070
    assert "data" not in refused
    assert client.data("GET", group)["groups"][0]["faceCount"] == core_faces.CAPACITY


def test_lists_the_newest_first(client: NhnClient) -> None:
    group = client.create_group()
    names = ["obama.jpg", "biden.jpg", "obama2.jpg"]
    added = [
        client.add(group, photos.load(name), externalImageId=name)["addedFaces"][0]
        for name in names
    ]
    data = client.data("GET", f"{group}/faces?limit=200")
    assert data["faces"] == added[::-1]
    assert data["faceCount"] == 3
    assert data["nextToken"] is None


def test_a_listing_goes_on_while_faces_come_and_go(client: NhnClient, store: App) -> None:
    group = client.create_group("people")
    fill(store, "people", 10)
    before = [f["faceId"] for f in client.data("GET", f"{group}/faces?limit=200")["faces"]]
    data = client.data("GET", f"{group}/faces?limit=4")
    seen = [face["faceId"] for face in data["faces"]]
    fill(store, "people", 3)
    client.data("DELETE", f"{group}/faces/{before[2]}")
    client.data("DELETE", f"{group}/faces/{before[6]}")
    while data["nextToken"]:
        data = client.data("GET", f"{group}/faces?limit=4&next-token={data['nextToken']}")
        seen += [face["faceId"] for face in data["faces"]]
    assert seen == [face_id for face_id in before if face_id != before[6]]


def test_a_deleted_face_is_gone(client: NhnClient) -> None:
    group = client.create_group()
    (face,) = client.add(group, photos.load("obama.jpg"))["addedFaces"]
    path = f"{group}/faces/{face['faceId']}"
    assert client.code("DELETE", path) == 0
    assert client.code("DELETE", path) == -40050
    assert client.data("GET", f"{group}/faces?limit=1")["faces"] == []
    assert client.data("GET", group)["groups"][0]["faceCount"] == 0


def test_a_token_of_a_deleted_group_is_refused_by_the_next_group_of_that_name(
    client: NhnClient, store: App
) -> None:
    group = client.create_group("people")
    fill(store, "people", 2)
    token = client.data("GET", f"{group}/faces?limit=1")["nextToken"]
    client.data("DELETE", group)
    client.create_group("people")
    assert client.code("GET", f"{group}/faces?limit=1&next-token={token}") == -40040
