"""Every API serves photos that image libraries find hard, with the real models."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
import pytest

from functions.etri import face_deid
from functions.events import deidentify_upload
from harness import builders
from harness.command_line import run
from shared.app import App
from shared.core.metering.models import Limits
from shared.core.recognition import groups
from shared.core.recognition.detection import MAX_FACES
from tests import hostile_photos
from tests.functions.nhn.client import NhnClient, image
from tests.functions.withmind.client import ANALYSE, ENROL, WithmindClient
from tests.hostile_photos import Hostile

PHOTOS = hostile_photos.all_of_them()
TOO_SMALL_FOR_NHN = ("one pixel", "strip")
INVALID = -40000  # without a face, or too small
TURNED = ("astronaut turned", "obama turned")
MODELS = ("codec", "detector", "redactor", "poses", "recognizers")
ANY_SIZE = {"WITHMIND_MIN_IMAGE_BYTES": "0", "WITHMIND_MAX_IMAGE_BYTES": "5000000"}

every_photo = pytest.mark.parametrize("name", PHOTOS)


@pytest.fixture
def store(app: App, tmp_path: Path) -> App:
    """An App with a fresh store, and a group `people` of its tenant."""
    models = {name: getattr(app, name) for name in MODELS}
    settings = builders.settings(tmp_path / "data", UPLOAD_TENANT="t", **ANY_SIZE)
    store = builders.app_with(settings, **builders.access_ports(Limits()), **models)
    groups.create(
        store.groups, store.sealer, tenant="t", group_id="people", model_version=app.model_version
    )
    return store


@pytest.fixture(autouse=True)
def nothing_unforeseen_happens(caplog: pytest.LogCaptureFixture) -> Any:
    yield
    assert "unexpected error" not in caplog.text


def assert_sane(detail: dict[str, Any]) -> None:
    box, orientation = detail["bbox"], detail["orientation"]
    assert 0 <= box["x0"] < box["x1"] <= 1
    assert 0 <= box["y0"] < box["y1"] <= 1
    assert np.isfinite(list(orientation.values())).all()
    assert max(map(abs, orientation.values())) <= 180
    assert 50 <= detail["confidence"] <= 100
    for point in detail["landmarks"]:
        assert 0 <= point["x"] <= 1
        assert 0 <= point["y"] <= 1


def is_inside(place: tuple[float, float], box: dict[str, float]) -> bool:
    x, y = place
    return box["x0"] < x < box["x1"] and box["y0"] < y < box["y1"]


@every_photo
def test_nhn_detects_enrols_and_recognises_the_faces(store: App, name: str) -> None:
    photo, nhn = PHOTOS[name], NhnClient(store, builders.KEY)
    taken = image(photo.data)
    both = {"sourceImage": taken, "targetImage": taken}
    search, compare = "/groups/people/search?limit=1&threshold=90", "/compare?threshold=90"
    if name in TOO_SMALL_FOR_NHN:
        assert nhn.code("POST", "/detect", {"image": taken}) == INVALID
        assert nhn.code("POST", "/groups/people", {"image": taken, "limit": 20}) == INVALID
    else:
        found = nhn.data("POST", "/detect", {"image": taken})
        assert found["faceDetailCount"] == min(photo.faces, MAX_FACES)
        for detail in found["faceDetails"]:
            assert_sane(detail)
        added = nhn.add("/groups/people", photo.data)
        assert added["addedFaceCount"] == min(photo.faces, MAX_FACES)
    if not photo.faces:
        assert nhn.code("POST", search, {"image": taken}) == INVALID
        assert nhn.code("POST", compare, both) == INVALID
        return
    if photo.faces == 1:
        assert is_inside(photo.place, found["faceDetails"][0]["bbox"])
    assert nhn.data("POST", search, {"image": taken})["matchFaceCount"] == 1
    compared = nhn.data("POST", compare, both)
    assert compared["matchedFaceDetailCount"] == min(photo.faces, MAX_FACES)


@pytest.mark.parametrize("name", TURNED)
def test_nhn_reports_the_roll_of_a_face(store: App, name: str) -> None:
    body = {"image": image(PHOTOS[name].data)}
    (detail,) = NhnClient(store, builders.KEY).data("POST", "/detect", body)["faceDetails"]
    assert detail["orientation"]["z"] == pytest.approx(135, abs=8)


def pixels(store: App, data: bytes) -> Any:
    return store.codec.decode(data).upright_bgr.astype(int)


def is_hidden(store: App, photo: Hostile, data: bytes) -> bool:
    """Return whether the photo changed where its face is."""
    before, after = pixels(store, photo.data), pixels(store, data)
    height, width = before.shape[:2]
    x, y = round(photo.place[0] * width), round(photo.place[1] * height)
    around = np.s_[max(0, y - 20) : y + 20, max(0, x - 20) : x + 20]
    gap = np.abs(before - after)[around].mean() / before[around].mean()
    return bool(gap > 0.05)


@every_photo
@pytest.mark.parametrize(
    "options", [{}, {"keep": {"group": "people"}}, {"only": {"group": "people"}}]
)
def test_face_deid_hides_the_faces(store: App, name: str, options: dict[str, Any]) -> None:
    photo = PHOTOS[name]
    event = builders.event(body=builders.deid_body(photo.data, options=options))
    reply = face_deid.handler(event, None, store)
    assert reply["statusCode"] == 200
    found = builders.answer(reply)["return_object"]
    if not photo.faces:
        assert found["results"] == []
        return
    assert len(found["results"]) == photo.faces
    height, width = pixels(store, photo.data).shape[:2]
    for face in found["results"]:
        x1, y1, x2, y2 = face["bbox"]
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    # the group is empty: nobody is kept, and nobody hidden alone
    is_shown = "only" in options
    assert is_hidden(store, photo, base64.b64decode(found["file"])) is not is_shown


@every_photo
def test_withmind_enrols_and_recognises_the_faces(store: App, name: str) -> None:
    photo, withmind = PHOTOS[name], WithmindClient(store)
    enrolled = withmind.answer(ENROL, photo.data)
    assert enrolled == (b'{"result":"Success"}' if photo.faces else b'{"result":"Fail"}')
    if photo.faces:
        assert withmind.analyse(photo.data) == "+" * photo.faces
    else:
        assert b"unregistered" in withmind.answer(ANALYSE, photo.data)


def test_the_command_processes_them_all(store: App, tmp_path: Path) -> None:
    inside, out = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    for name, photo in PHOTOS.items():
        (inside / f"{name}.jpg").write_bytes(photo.data)
    finished = run(tmp_path, "deidentify", inside, "-o", out)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert_hidden(store, {name: (out / f"{name}.jpg").read_bytes() for name in PHOTOS})


def test_every_upload_reaches_the_outbox(store: App) -> None:
    for name, photo in PHOTOS.items():
        store.inbox.put(name, photo.data)
    reply = deidentify_upload.handler({"Records": [message(name) for name in PHOTOS]}, None, store)
    assert reply == {"batchItemFailures": []}
    assert list(store.inbox.list()) == []
    for name, photo in PHOTOS.items():
        assert json.loads(store.outbox.get(f"{name}.json").data)["faces"] == photo.faces
    assert_hidden(store, {name: store.outbox.get(name).data for name in PHOTOS})


def message(key: str) -> dict[str, Any]:
    created = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "inbox"}, "object": {"key": quote_plus(key)}},
    }
    return {
        "messageId": key,
        "attributes": {"ApproximateReceiveCount": "1"},
        "body": json.dumps({"Records": [created]}),
    }


def assert_hidden(store: App, came_out: dict[str, bytes]) -> None:
    for name, photo in PHOTOS.items():
        if photo.faces:
            assert is_hidden(store, photo, came_out[name]), name
