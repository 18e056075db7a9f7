"""POST /FaceDeID on real photos with the real models."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from functions.etri import face_deid
from harness import builders, photos
from harness.in_memory import InMemoryKeys
from shared.app import App
from shared.core.metering import access
from shared.core.metering.models import KeyStatus

FACE_OF_THE_ASTRONAUT = (170, 65, 275, 215)  # x1, y1, x2, y2, by eye


def call(app: App, body: object, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    event = builders.event(body=body, headers=dict(headers) if headers is not None else None)
    return face_deid.handler(event, None, app)


def analyse(app: App, image: bytes, **argument: object) -> dict[str, Any]:
    reply = call(app, builders.deid_body(image, **argument))
    assert reply["statusCode"] == 200
    found: dict[str, Any] = builders.answer(reply)["return_object"]
    return found


def decoded(data: bytes) -> NDArray[np.uint8]:
    """Return the stored grid of an image file."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert image is not None
    return np.asarray(image, np.uint8)


def pixels(file: str) -> NDArray[np.uint8]:
    """Return the stored grid of an image file in base64."""
    return decoded(base64.b64decode(file))


def test_finds_the_face_where_it_is(app: App) -> None:
    (face,) = analyse(app, photos.astronaut_jpeg())["results"]
    x1, y1, x2, y2 = face["bbox"]
    left, top, right, bottom = FACE_OF_THE_ASTRONAUT
    shared_area = (min(x2, right) - max(x1, left)) * (min(y2, bottom) - max(y1, top))
    union = (x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - shared_area
    assert shared_area / union > 0.6


def test_answers_with_the_vendors_fields(app: App) -> None:
    reply = call(app, builders.deid_body(photos.astronaut_jpeg()))
    answer = builders.answer(reply)
    assert list(answer) == ["request_id", "result", "return_type", "return_object"]
    assert answer["request_id"] == "reserved field"
    assert answer["result"] == 0
    assert answer["return_type"] == "com.google.gson.internal.LinkedTreeMap"
    assert list(answer["return_object"]) == ["results", "file", "type"]
    assert answer["return_object"]["type"] == "jpg"
    (face,) = answer["return_object"]["results"]
    assert list(face) == ["conf", "x", "y", "width", "height", "bbox"]
    assert 0.5 < face["conf"] <= 1
    x, y, width, height = (face[name] for name in ("x", "y", "width", "height"))
    assert face["bbox"] == [x, y, x + width, y + height]
    assert all(isinstance(value, int) for value in face["bbox"])


def test_answers_with_the_vendors_headers(app: App) -> None:
    headers = call(app, builders.deid_body(photos.astronaut_jpeg()))["headers"]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Type"] == "application/json; charset=UTF-8"


def test_hides_the_face_and_leaves_the_rest(app: App) -> None:
    before = decoded(photos.astronaut_jpeg())
    png = cv2.imencode(".png", before)[1].tobytes()
    found = analyse(app, png)
    assert found["type"] == "png"
    after = pixels(found["file"])
    assert after.shape == before.shape
    left, top, right, bottom = FACE_OF_THE_ASTRONAUT
    face = np.s_[top + 20 : bottom - 20, left + 15 : right - 15]
    assert np.abs(before[face].astype(int) - after[face]).mean() > 15
    far = np.ones((512, 512), bool)
    far[max(0, top - 100) : bottom + 100, max(0, left - 100) : right + 100] = False
    assert np.array_equal(before[far], after[far])


def test_the_hidden_face_is_not_found_again(app: App) -> None:
    file = analyse(app, photos.load("obama.jpg"))["file"]
    again = analyse(app, base64.b64decode(file), options={"threshold": 0.5})
    assert again == {"error": "This file has no faces", "results": []}


@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg", "obama2.jpg", "32bit.png"])
def test_finds_the_faces_of_other_photos(app: App, name: str) -> None:
    found = analyse(app, photos.load(name))
    assert len(found["results"]) >= 1
    assert found["type"] == name[-3:]


def test_a_photo_without_a_face_has_no_file(app: App) -> None:
    grey = cv2.imencode(".png", np.full((300, 400, 3), 128, np.uint8))[1].tobytes()
    assert analyse(app, grey) == {"error": "This file has no faces", "results": []}


def test_boxes_are_in_the_stored_grid(app: App) -> None:
    upright = decoded(photos.astronaut_jpeg())
    stored = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    jpeg = cv2.imencode(".jpg", stored)[1].tobytes()
    tag = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00"
    tag += b"\x00\x00\x00\x00\x00\x00"
    marker = b"\xff\xe1" + (len(tag) + 2).to_bytes(2, "big") + tag
    found = analyse(app, jpeg[:2] + marker + jpeg[2:])
    (face,) = found["results"]
    left, top, right, _ = FACE_OF_THE_ASTRONAUT
    x1, y1, x2, y2 = face["bbox"]
    centre = ((x1 + x2) / 2, (y1 + y2) / 2)
    assert top < centre[0] < 215  # upright y became stored x
    assert 512 - right < centre[1] < 512 - left
    after = pixels(found["file"])
    assert after.shape == stored.shape
    inside = np.s_[y1 + 10 : y2 - 10, x1 + 10 : x2 - 10]
    assert np.abs(stored[inside].astype(int) - after[inside]).mean() > 15


@pytest.mark.parametrize("method", ["veil", "solid", "mosaic", "blur"])
def test_every_method_hides(app: App, method: str) -> None:
    found = analyse(app, photos.astronaut_jpeg(), options={"method": method})
    before = pixels(base64.b64encode(photos.astronaut_jpeg()).decode())
    after = pixels(found["file"])
    (face,) = found["results"]
    assert face["action"] == "hidden"
    x1, y1, x2, y2 = face["bbox"]
    assert np.abs(before[y1:y2, x1:x2].astype(int) - after[y1:y2, x1:x2]).mean() > 8


def test_faces_under_min_face_are_left_alone(app: App) -> None:
    (face,) = analyse(app, photos.astronaut_jpeg(), options={"min_face": 20})["results"]
    shorter = min(face["width"], face["height"])
    found = analyse(app, photos.astronaut_jpeg(), options={"min_face": shorter + 10})
    assert found == {"error": "This file has no faces", "results": []}


def test_faces_under_the_threshold_are_left_alone(app: App) -> None:
    found = analyse(app, photos.astronaut_jpeg(), options={"threshold": 0.9999})
    assert found["results"] == []


def test_draws_where_it_hid(app: App) -> None:
    plain = pixels(analyse(app, photos.astronaut_jpeg(), options={})["file"])
    drawn = analyse(app, photos.astronaut_jpeg(), options={"draw": True})
    (face,) = drawn["results"]
    difference = np.abs(plain.astype(int) - pixels(drawn["file"])).sum(axis=2)
    assert difference[face["y"] + face["height"] // 2, face["x"]] > 60


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"method": "gone"}, "method"),
        ({"method": 1}, "method"),
        ({"min_face": "20"}, "min_face"),
        ({"min_face": -1}, "min_face"),
        ({"min_face": True}, "min_face"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": "0.5"}, "threshold"),
        ({"draw": 1}, "draw"),
        ({"blurr": True}, "blurr"),
        ([], "options"),
    ],
)
def test_refuses_an_option_it_does_not_know(app: App, options: object, named: str) -> None:
    found = analyse(app, photos.astronaut_jpeg(), options=options)
    assert list(found) == ["error"]
    assert found["error"].startswith(f"This option is not allowed: {named} ")


@pytest.mark.parametrize("declared", ["1", 1, None, "jpg", "JPEG", "png", "bmp"])
def test_accepts_a_declared_type(app: App, declared: object) -> None:
    assert len(analyse(app, photos.astronaut_jpeg(), type=declared)["results"]) == 1


def test_accepts_a_missing_type(app: App) -> None:
    body = {"argument": {"file": base64.b64encode(photos.astronaut_jpeg()).decode()}}
    assert "file" in builders.answer(call(app, body))["return_object"]


@pytest.mark.parametrize("declared", ["2", 2, "gif", "", True, 1.5, [], {}])
def test_refuses_other_types(app: App, declared: object) -> None:
    found = analyse(app, photos.astronaut_jpeg(), type=declared)
    assert found == {"error": "This file is not allowed file type"}


@pytest.mark.parametrize(
    "image",
    [b"GIF89a..........", b"RIFF....WEBPVP8 ", b"II*\x00....", b"%PDF-1.7", b"hello", b"\x00" * 99],
)
def test_refuses_other_formats(app: App, image: bytes) -> None:
    assert analyse(app, image) == {"error": "This file is not allowed file type"}


@pytest.mark.parametrize(
    "image",
    [
        b"\xff\xd8\xff\xe0garbage",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        b"BM" + b"\x00" * 60,
        photos.astronaut_jpeg()[:20_000],
    ],
)
def test_refuses_what_cannot_be_decoded(app: App, image: bytes) -> None:
    assert analyse(app, image) == {"error": "This file is not image contents"}


@pytest.mark.parametrize("file", [None, "", 7, [], "not base64!", "/etc/passwd"])
def test_refuses_a_missing_or_malformed_file(app: App, file: object) -> None:
    reply = call(app, {"argument": {"type": "1", "file": file}})
    error = builders.answer(reply)["return_object"]["error"]
    assert error in ("This file is not image contents", "This file is not allowed file type")
    assert reply["statusCode"] == 200


@pytest.mark.parametrize("body", ["", "no json", "[]", {}, {"argument": "x"}, {"argument": []}])
def test_refuses_a_body_without_an_image(app: App, body: object) -> None:
    answer = builders.answer(call(app, body))
    assert answer["return_object"] == {"error": "This file is not image contents"}


def test_tolerates_a_data_url_and_line_breaks(app: App) -> None:
    encoded = base64.encodebytes(photos.astronaut_jpeg()).decode()
    body = {"argument": {"type": "1", "file": "data:image/jpeg;base64," + encoded}}
    assert len(builders.answer(call(app, body))["return_object"]["results"]) == 1


def test_echoes_the_request_id(app: App) -> None:
    body = {"request_id": "r-7", **builders.deid_body(b"x")}
    assert builders.answer(call(app, body))["request_id"] == "r-7"
    assert builders.answer(call(app, body, headers={}))["request_id"] == "r-7"
    assert builders.answer(call(app, {"request_id": 7}))["request_id"] == "reserved field"


@pytest.mark.parametrize("value", [builders.KEY, f"Bearer {builders.KEY}", f" {builders.KEY} "])
def test_takes_the_key_from_the_header(app: App, value: str) -> None:
    reply = call(app, builders.deid_body(b"x"), headers={"Authorization": value})
    assert builders.answer(reply)["result"] == 0


def test_takes_the_key_from_the_body_and_then_calls_the_list_faces(app: App) -> None:
    body = {"access_key": builders.KEY, **builders.deid_body(photos.astronaut_jpeg())}
    found = builders.answer(call(app, body, headers={}))["return_object"]
    assert list(found) == ["faces", "file", "type"]
    grey = cv2.imencode(".png", np.full((99, 99, 3), 128, np.uint8))[1].tobytes()
    body = {"access_key": builders.KEY, **builders.deid_body(grey)}
    found = builders.answer(call(app, body, headers={}))["return_object"]
    assert found == {"error": "This file has no faces", "faces": []}


def test_the_key_of_the_header_wins(app: App) -> None:
    body = {"access_key": builders.KEY, **builders.deid_body(b"x")}
    assert_refused(call(app, body, headers={"authorization": "x"}), 403, "Invalid Key KEY")


def assert_refused(reply: dict[str, Any], status: int, reason: str) -> None:
    assert reply["statusCode"] == status
    answer = builders.answer(reply)
    assert answer == {"request_id": "reserved field", "result": -1, "reason": reason}
    assert reply["headers"]["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "  "}])
def test_refuses_a_call_without_a_key(app: App, headers: dict[str, str]) -> None:
    assert_refused(call(app, builders.deid_body(b"x"), headers), 403, "Empty Auth Header")


def test_refuses_a_key_in_the_body_that_is_not_a_string(app: App) -> None:
    assert_refused(call(app, {"access_key": 7}, headers={}), 403, "Empty Auth Header")


def test_refuses_an_unknown_key(app: App) -> None:
    assert_refused(call(app, {}, {"authorization": "nobody's"}), 403, "Invalid Key KEY")


def test_refuses_a_blocked_key(tmp_path: Path) -> None:
    keys = InMemoryKeys()
    key = access.new_key(builders.KEY, name="n", tenant="t", secret=builders.SECRET)
    keys.put(replace(key, status=KeyStatus.BLOCKED))
    app = builders.app_with(builders.settings(tmp_path), keys=keys)
    assert_refused(call(app, {}), 403, "Blocked KEY")


def test_refuses_a_body_over_the_limit_before_anything_else(tmp_path: Path) -> None:
    app = builders.app(tmp_path, MAX_BODY_BYTES="2048")
    assert_refused(call(app, "x" * 2049, headers={}), 413, "Body Size Limit Exceeded")
    reply = call(app, "", headers={"content-length": "2049"})
    assert_refused(reply, 413, "Body Size Limit Exceeded")


def test_refuses_a_photo_with_too_many_pixels(tmp_path: Path) -> None:
    app = builders.app(tmp_path, MAX_PIXELS="262143")
    reply = call(app, builders.deid_body(photos.astronaut_jpeg()))
    assert_refused(reply, 413, "Body Size Limit Exceeded")


def test_gives_up_after_the_configured_time(tmp_path: Path) -> None:
    app = builders.app(tmp_path, ANALYSIS_TIMEOUT_S="0.001")
    reply = call(app, builders.deid_body(photos.astronaut_jpeg()))
    assert_refused(reply, 408, "Request Timeout")


class BrokenDetector:
    def detect(self, *_: object, **__: object) -> tuple[()]:
        raise RuntimeError("a fault with a private detail")


def test_an_unexpected_error_is_500_and_reveals_nothing(tmp_path: Path) -> None:
    keys = builders.app(tmp_path).keys
    app = builders.app_with(builders.settings(tmp_path), keys=keys, detector=BrokenDetector())
    reply = call(app, builders.deid_body(photos.astronaut_jpeg()))
    assert_refused(reply, 500, "Internal Server Error")
    assert "private" not in json.dumps(reply)


def test_concurrent_calls_get_their_own_answers(app: App) -> None:
    from concurrent.futures import ThreadPoolExecutor

    names = ["obama.jpg", "biden.jpg", "obama2.jpg"]
    alone = {name: analyse(app, photos.load(name))["results"] for name in names}
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: analyse(app, photos.load(name)), names * 2))
    assert [found["results"] for found in together] == [alone[name] for name in names * 2]
