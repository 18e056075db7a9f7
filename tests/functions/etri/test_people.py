"""The options `keep` and `only` of POST /FaceDeID, on real photos with the real models."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from functions.etri import face_deid
from harness import builders, photos
from shared.app import App
from shared.core.deadline import Deadline
from shared.core.metering import access
from shared.core.metering.models import Limits
from shared.core.photos.models import Face, Photo, Pose
from shared.core.recognition import faces, groups
from shared.core.recognition.detection import ImageInput
from tests.catalogues import renewed

OTHER_KEY = "a-key-of-another-tenant"
OBAMA_AND_BIDEN = ("obama2.jpg", "biden.jpg")


class LooksAway:
    """Implements `PoseEstimator`: every head is turned to the side."""

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        return (Pose(yaw=60, pitch=0, roll=0),) * len(faces)


def new_app(models: App, folder: Path, **ports: object) -> App:
    """Return an App with a fresh local store, two tenants, and the models of another App."""
    kept = ("codec", "detector", "redactor", "poses", "recognizers")
    access_ports = builders.access_ports(Limits())
    app = builders.app_with(
        builders.settings(folder),
        **{**{name: getattr(models, name) for name in kept}, **access_ports, **ports},
    )
    key = access.new_key(OTHER_KEY, name="other", tenant="other", secret=builders.SECRET)
    app.keys.put(key)  # type: ignore[attr-defined] # the fake's own
    return app


def enrol(app: App, name: str, tenant: str = "t", group_id: str = "staff") -> str:
    """Enrol the face of a photo under the photo's name; return its id."""
    (added,) = faces.add(
        app.vision,
        app.faces,
        app.sealer,
        app.recognizers.get(app.model_version).embedder,
        group=app.groups.get(tenant, group_id),
        image=ImageInput(photos.load(name)),
        external_image_id=name,
        limit=1,
        deadline=Deadline.after(60),
    ).added
    return added.face_id


@pytest.fixture
def store(app: App, tmp_path: Path) -> App:
    """An App whose tenant `t` has an empty group `staff`."""
    store = new_app(app, tmp_path)
    groups.create(
        store.groups,
        store.sealer,
        tenant="t",
        group_id="staff",
        model_version=store.model_version,
    )
    return store


def analyse(
    app: App, image: bytes, options: Mapping[str, object], *, key: str = builders.KEY
) -> dict[str, Any]:
    event = builders.event(
        body=builders.deid_body(image, options=options), headers={"authorization": key}
    )
    found: dict[str, Any] = builders.answer(face_deid.handler(event, None, app))["return_object"]
    return found


def from_left(found: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(found["results"], key=lambda face: face["x"])


def decoded(data: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def is_visible(before: bytes, found: dict[str, Any], face: dict[str, Any]) -> bool:
    """Return whether a face is unchanged; fail if it changed only a little."""
    x1, y1, x2, y2 = face["bbox"]
    inside = np.s_[y1:y2, x1:x2]
    gap = np.abs(decoded(before)[inside].astype(int) - decoded(_file(found))[inside])
    assert not gap.any() or gap.mean() > 8
    return not gap.any()


def _file(found: dict[str, Any]) -> bytes:
    return base64.b64decode(found["file"])


def test_keep_shows_enrolled_people_and_hides_the_rest(store: App) -> None:
    obama = enrol(store, "obama.jpg")
    image = photos.side_by_side(*OBAMA_AND_BIDEN)
    found = analyse(store, image, {"keep": {"group": "staff"}})
    first, second = from_left(found)
    assert (first["action"], first["faceId"]) == ("kept", obama)
    assert second["action"] == "hidden"
    assert "faceId" not in second
    assert [is_visible(image, found, face) for face in (first, second)] == [True, False]


def test_only_hides_enrolled_people_and_shows_the_rest(store: App) -> None:
    obama = enrol(store, "obama.jpg")
    image = photos.side_by_side(*OBAMA_AND_BIDEN)
    found = analyse(store, image, {"only": {"group": "staff"}})
    first, second = from_left(found)
    assert (first["action"], first["faceId"]) == ("hidden", obama)
    assert second["action"] == "kept"
    assert "faceId" not in second
    assert [is_visible(image, found, face) for face in (first, second)] == [False, True]


@pytest.mark.parametrize("option", ["keep", "only"])
@pytest.mark.parametrize("by", ["faceIds", "externalImageIds"])
def test_some_people_of_a_group_can_be_selected(store: App, option: str, by: str) -> None:
    ids = {name: enrol(store, name) for name in ("obama.jpg", "biden.jpg")}
    biden = ids["biden.jpg"] if by == "faceIds" else "biden.jpg"
    image = photos.side_by_side(*OBAMA_AND_BIDEN)
    found = analyse(store, image, {option: {"group": "staff", by: [biden]}})
    actions = [face["action"] for face in from_left(found)]
    assert actions == (["hidden", "kept"] if option == "keep" else ["kept", "hidden"])
    assert [face.get("faceId") for face in from_left(found)] == [None, ids["biden.jpg"]]


def test_a_photo_in_which_everyone_is_kept_stays_as_it_is(store: App) -> None:
    enrol(store, "obama.jpg")
    enrol(store, "biden.jpg")
    image = photos.side_by_side(*OBAMA_AND_BIDEN)
    found = analyse(store, image, {"keep": {"group": "staff"}, "draw": True})
    assert [face["action"] for face in found["results"]] == ["kept", "kept"]
    assert np.array_equal(decoded(image), decoded(_file(found)))


@pytest.mark.parametrize("option", ["keep", "only"])
def test_a_face_too_small_to_judge_is_hidden(store: App, option: str) -> None:
    enrol(store, "obama.jpg")
    image = photos.side_by_side(*OBAMA_AND_BIDEN, height=120)
    found = analyse(store, image, {option: {"group": "staff"}})
    assert len(found["results"]) == 2
    for face in found["results"]:
        assert min(face["width"], face["height"]) < 40
        assert face["action"] == "hidden"
        assert not is_visible(image, found, face)


@pytest.mark.parametrize("option", ["keep", "only"])
def test_a_face_that_looks_away_is_hidden(
    store: App, app: App, tmp_path: Path, option: str
) -> None:
    enrol(store, "obama.jpg")
    away = new_app(app, tmp_path, poses=LooksAway())
    image = photos.side_by_side(*OBAMA_AND_BIDEN)
    found = analyse(away, image, {option: {"group": "staff"}})
    assert [face["action"] for face in found["results"]] == ["hidden", "hidden"]


@pytest.mark.parametrize("option", ["keep", "only"])
@pytest.mark.parametrize(
    "selection",
    [
        {"group": "none"},
        {"group": "staff", "faceIds": ["00000000-0000-4000-8000-000000000000"]},
        {"group": "staff", "externalImageIds": ["biden.jpg"]},
    ],
)
def test_refuses_people_that_the_group_does_not_have(
    store: App, option: str, selection: dict[str, Any]
) -> None:
    enrol(store, "obama.jpg")
    found = analyse(store, photos.load("obama2.jpg"), {option: selection})
    assert found == {"error": "This option is not allowed"}


def test_another_tenants_group_is_refused_like_a_missing_one(store: App) -> None:
    obama = enrol(store, "obama.jpg")
    for selection in ({"group": "staff"}, {"group": "staff", "faceIds": [obama]}):
        for option in ("keep", "only"):
            found = analyse(store, photos.load("obama2.jpg"), {option: selection}, key=OTHER_KEY)
            assert found == {"error": "This option is not allowed"}


def test_a_deleted_group_keeps_nobody(store: App) -> None:
    enrol(store, "obama.jpg")
    assert "file" in analyse(store, photos.load("obama2.jpg"), {"keep": {"group": "staff"}})
    groups.delete(store.groups, store.faces, tenant="t", group_id="staff")
    found = analyse(store, photos.load("obama2.jpg"), {"keep": {"group": "staff"}})
    assert found == {"error": "This option is not allowed"}


@pytest.mark.parametrize("option", ["keep", "only"])
def test_refuses_a_group_of_a_missing_model(
    store: App, app: App, tmp_path: Path, option: str
) -> None:
    enrol(store, "obama.jpg")
    catalogue = renewed(app.catalogue)
    recognizers = builders.app_with(app.settings, catalogue=catalogue).recognizers
    now = new_app(app, tmp_path, catalogue=catalogue, recognizers=recognizers)
    found = analyse(now, photos.load("obama2.jpg"), {option: {"group": "staff"}})
    assert set(found) == {"error"}
    assert found["error"].startswith("This option is not allowed: ")
    assert app.model_version in found["error"]
    assert "enrol anew" in found["error"]


def test_says_what_is_wrong_with_a_selection(store: App) -> None:
    image = photos.load("obama2.jpg")
    found = analyse(store, image, {"keep": {"group": "staff", "faceIds": []}})
    assert found["error"].startswith("This option is not allowed: keep.faceIds ")
    found = analyse(store, image, {"keep": {"group": "staff"}, "only": {"group": "staff"}})
    assert found["error"].startswith("This option is not allowed: keep and only ")


def test_keep_answers_a_photo_without_a_face_as_usual(store: App) -> None:
    grey = cv2.imencode(".png", np.full((300, 400, 3), 128, np.uint8))[1].tobytes()
    found = analyse(store, grey, {"keep": {"group": "staff"}})
    assert found == {"error": "This file has no faces", "results": []}


def test_a_call_without_keep_or_only_opens_no_group_and_loads_no_embedder(
    app: App, tmp_path: Path
) -> None:
    models = {name: getattr(app, name) for name in ("codec", "detector", "redactor")}
    fresh = builders.app_with(
        builders.settings(tmp_path), **models, **builders.access_ports(Limits())
    )
    assert analyse(fresh, photos.load("obama.jpg"), {"method": "solid"})["results"]
    unneeded = {"recognizers", "poses", "index", "groups", "faces", "sealer", "database"}
    assert unneeded.isdisjoint(vars(fresh))
