"""Groups of an embedder that this deployment does not have: their faces are never compared."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from harness import builders, photos
from shared.app import App
from tests.catalogues import renewed
from tests.functions.nhn.client import NhnClient, image
from tests.functions.nhn.conftest import app_with_models_of


@pytest.fixture
def old(client: NhnClient) -> str:
    """The id of a face in a group that was made before the embedder changed."""
    added = client.add(client.create_group("old"), photos.load("obama.jpg"))
    return str(added["addedFaces"][0]["faceId"])


@pytest.fixture
def now(app: App, store: App, tmp_path: Path) -> NhnClient:
    """A caller of the same store, whose deployment has another embedder."""
    catalogue = renewed(app.catalogue)
    models = builders.app_with(app.settings, catalogue=catalogue, **_but_the_embedder(app))
    return NhnClient(app_with_models_of(models, tmp_path, catalogue=catalogue), builders.KEY)


def _but_the_embedder(app: App) -> dict[str, Any]:
    return {name: getattr(app, name) for name in ("codec", "detector", "poses")}


def assert_unknown(reply: TestResponse) -> None:
    assert reply.status_code == 200
    assert reply.json is not None
    assert reply.json["header"]["resultCode"] == -40000
    assert reply.headers["X-Face-Reason"] == "UnknownModel"
    assert "data" not in reply.json


def test_a_group_of_a_missing_model_can_be_neither_extended_nor_searched(
    old: str, now: NhnClient
) -> None:
    body = {"image": image(photos.load("obama.jpg"))}
    query = "limit=5&threshold=1"

    assert_unknown(now.call("POST", "/groups/old", body | {"limit": 1}))
    assert_unknown(now.call("POST", f"/groups/old/search?{query}", body))
    assert_unknown(now.call("GET", f"/groups/old/faces/{old}?{query}"))

    assert now.data("GET", "/groups/old")["groups"][0]["faceCount"] == 1


def test_a_group_of_a_missing_model_can_be_listed_deleted_and_created_again(
    old: str, now: NhnClient
) -> None:
    (face,) = now.data("GET", "/groups/old/faces?limit=5")["faces"]
    assert face["faceId"] == old
    now.data("DELETE", f"/groups/old/faces/{old}")
    now.data("DELETE", "/groups/old")

    now.add(now.create_group("old"), photos.load("obama.jpg"))
    body = {"image": image(photos.load("obama2.jpg"))}
    found = now.data("POST", "/groups/old/search?limit=5&threshold=80", body)

    assert (found["matchFaceCount"], found["modelVersion"]) == (1, "renewed")


@pytest.mark.usefixtures("old")
def test_two_photos_can_still_be_compared(now: NhnClient) -> None:
    photo = image(photos.load("obama.jpg"))
    compared = now.data(
        "POST", "/compare?threshold=90", {"sourceImage": photo, "targetImage": photo}
    )
    assert compared["matchedFaceDetailCount"] == 1
