"""A new embedder needs only a row of models.toml: the NHN API on a small one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness import builders, photos
from harness.processes import wait_for
from harness.stored_faces import enrol
from shared.app import App
from shared.core.photos.models import DetectionProfile
from shared.index.groups import GroupIndex
from tests.catalogues import SMALL_DIMENSIONS, SMALL_VERSION, with_small_embedder
from tests.functions.nhn.client import NhnClient, image
from tests.functions.nhn.conftest import app_with_models_of

OTHERS = 1200  # faces in a group that is large enough for a graph


@pytest.fixture(scope="module")
def models(app: App, tmp_path_factory: pytest.TempPathFactory) -> App:
    """An App whose embedder is the small one; its models are loaded once."""
    models_dir = tmp_path_factory.mktemp("models")
    catalogue = with_small_embedder(app.settings.models_dir, models_dir)
    settings = builders.settings(models_dir, MODELS_DIR=str(models_dir))
    return builders.app_with(settings, catalogue=catalogue)


@pytest.fixture
def store(models: App, tmp_path: Path) -> App:
    """The same with a fresh local store."""
    return on_store(models, tmp_path)


def on_store(models: App, folder: Path) -> App:
    """Return an App with the local store of a folder, where a few faces are a large group."""
    store = app_with_models_of(models, folder, catalogue=models.catalogue)
    store.settings = replace(store.settings, index_min_faces=OTHERS // 2)
    return store


def vector_of(models: App, name: str) -> NDArray[np.float32]:
    photo = models.codec.decode(photos.load(name))
    face = models.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[0]
    (vector,) = models.recognizers.get(SMALL_VERSION).embedder.embed(photo, [face])
    return np.asarray(vector)


def similarity_of(models: App, one: str, other: str) -> Any:
    """Return the similarity that the API should give two photos."""
    cosine = vector_of(models, one) @ vector_of(models, other)
    calibration = models.recognizers.get(SMALL_VERSION).calibration
    (similarity,) = calibration.similarity(np.array([cosine]))
    return pytest.approx(float(similarity), abs=0.01)


def add(client: NhnClient, group: str, name: str) -> str:
    """Add the face of a photo; return its id."""
    (face,) = client.add(group, photos.load(name), externalImageId=name)["addedFaces"]
    return str(face["faceId"])


def matches(data: dict[str, Any]) -> dict[str, float]:
    """Return the similarities that a search found, by the photo's name."""
    return {m["face"]["externalImageId"]: m["similarity"] for m in data["matchFaces"]}


def wait_for_graph(store: App) -> None:
    """Wait until the thread that a search started has read the graph."""
    index = store.index
    assert isinstance(index, GroupIndex)
    wait_for(lambda: index.is_ready(store.groups.get("acme", "people")))


def test_a_new_group_holds_vectors_of_the_new_embedder(client: NhnClient, store: App) -> None:
    group = client.create_group()
    face_id = add(client, group, "obama.jpg")

    stored = store.groups.get("acme", "people")
    face = store.faces.get_many(stored, [face_id])[face_id]
    vector = store.sealer.open(stored, face_id, face.sealed_vector)

    assert stored.model_version == SMALL_VERSION
    np.testing.assert_array_equal(vector, vector_of(store, "obama.jpg"))
    assert vector.shape == (SMALL_DIMENSIONS,)


def test_searches_and_compares_with_its_own_calibration(client: NhnClient, store: App) -> None:
    group = client.create_group()
    obama, _ = (add(client, group, name) for name in photos.TWO_PEOPLE)
    body = {"image": image(photos.load("obama2.jpg"))}
    pair = {"sourceImage": body["image"], "targetImage": image(photos.load("biden.jpg"))}

    by_image = client.data("POST", f"{group}/search?limit=5&threshold=1", body)
    by_id = client.data("GET", f"{group}/faces/{obama}?limit=5&threshold=1")
    compared = client.data("POST", "/compare?threshold=1", pair)

    assert by_image["modelVersion"] == by_id["modelVersion"] == SMALL_VERSION
    assert matches(by_image) == {
        name: similarity_of(store, "obama2.jpg", name) for name in photos.TWO_PEOPLE
    }
    assert matches(by_id) == {"biden.jpg": similarity_of(store, "obama.jpg", "biden.jpg")}
    (face,) = compared["matchedFaceDetails"]
    assert face["similarity"] == similarity_of(store, "obama2.jpg", "biden.jpg")


def test_a_large_group_is_searched_through_its_snapshot(
    client: NhnClient, store: App, models: App
) -> None:
    group = client.create_group()
    vectors = np.random.default_rng(1).normal(size=(OTHERS, SMALL_DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    enrol(store, store.groups.get("acme", "people"), vectors)
    add(client, group, "obama.jpg")
    assert store.index_builder.build(store.groups.get("acme", "people"))
    add(client, group, "biden.jpg")

    fresh = on_store(models, store.settings.data_dir)
    caller = NhnClient(fresh, builders.KEY)
    for name in photos.TWO_PEOPLE:
        body = {"image": image(photos.load(name))}
        for _ in range(2):  # by looking at all, and through the graph
            data = caller.data("POST", f"{group}/search?limit=1&threshold=99", body)
            assert matches(data) == {name: pytest.approx(100, abs=0.01)}
            wait_for_graph(fresh)


def test_a_group_keeps_the_embedder_it_was_created_with(
    app: App, models: App, tmp_path: Path
) -> None:
    before = NhnClient(app_with_models_of(app, tmp_path), builders.KEY)
    add(before, before.create_group(), "obama.jpg")

    now = NhnClient(on_store(models, tmp_path), builders.KEY)
    add(now, "/groups/people", "biden.jpg")
    body = {"image": image(photos.load("obama2.jpg"))}
    data = now.data("POST", "/groups/people/search?limit=5&threshold=80", body)

    assert data["modelVersion"] == app.model_version != SMALL_VERSION
    assert list(matches(data)) == ["obama.jpg"]
