from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.core.photos.models import Box, DetectionProfile, Face, ImageFormat, Photo
from shared.vision.embedder import OnnxEmbedder
from shared.vision.session import Session
from shared.vision.weights import EmbedderSpec

SAME_PERSON = 0.4  # the least cosine of two photos of one
NEARLY_EQUAL = 0.9

Seen = tuple[Photo, tuple[Face, ...]]


@pytest.fixture(scope="module")
def embedder(app: App) -> OnnxEmbedder:
    model, spec = app.catalogue.embedder(app.model_version)
    return OnnxEmbedder(app.open_session(model.name), spec, model_version=model.version)


def seen(app: App, name: str) -> Seen:
    """Return a photo and the one face on it."""
    data = photos.astronaut_jpeg() if name == "astronaut" else photos.load(name)
    photo = app.codec.decode(data)
    return photo, app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[:1]


def moved(matrix: NDArray[np.float64], face: Face) -> Face:
    """Return a face whose landmarks follow a change of the photo; its box is not used."""
    points = np.array(face.landmarks) @ matrix[:, :2].T + matrix[:, 2]
    one, two, three, four, five = ((float(x), float(y)) for x, y in points)
    return replace(face, landmarks=(one, two, three, four, five))


def warped(view: Seen, matrix: NDArray[np.float64], size: tuple[int, int]) -> Seen:
    """Return a photo of (width, height) under an affine map, and its faces."""
    photo, faces = view
    pixels = cv2.warpAffine(photo.upright_bgr, matrix, size)
    return shown(pixels, photo), tuple(moved(matrix, face) for face in faces)


def shown(pixels: cv2.typing.MatLike, photo: Photo) -> Photo:
    upright_bgr = np.asarray(pixels, np.uint8)
    return replace(photo, stored=upright_bgr, upright_bgr=upright_bgr)


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other)


def test_photos_of_one_person_are_closer_than_those_of_two(
    app: App, embedder: OnnxEmbedder
) -> None:
    names = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut"]
    *obama, biden, astronaut = (embedder.embed(*seen(app, name))[0] for name in names)

    assert min(cosine(one, other) for one in obama for other in obama) > SAME_PERSON + 0.1
    for one in obama:
        assert max(cosine(one, biden), cosine(one, astronaut)) < SAME_PERSON - 0.1
    assert cosine(biden, astronaut) < SAME_PERSON - 0.1


@pytest.mark.parametrize("name", ["obama_partial_face.jpg", "obama_partial_face2.jpg"])
def test_recognises_a_face_cut_by_the_border(name: str, app: App, embedder: OnnxEmbedder) -> None:
    (whole,) = embedder.embed(*seen(app, "obama.jpg"))
    (cut,) = embedder.embed(*seen(app, name))

    assert cosine(whole, cut) > SAME_PERSON


def test_vectors_are_float32_of_unit_length(app: App, embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed(*seen(app, "biden.jpg"))

    assert vectors.shape == (1, 128)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("degrees", [-90, 15, 45, 90, 180])
def test_roll_changes_little(degrees: float, app: App, embedder: OnnxEmbedder) -> None:
    photo, (face,) = upright = seen(app, "obama.jpg")
    turn = cv2.getRotationMatrix2D(face.landmarks[2], degrees, 1)
    (expected,) = embedder.embed(*upright)

    turned = warped(upright, np.asarray(turn, np.float64), photo.upright_size)

    assert cosine(embedder.embed(*turned)[0], expected) > NEARLY_EQUAL


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.6])
def test_resolution_changes_little(factor: float, app: App, embedder: OnnxEmbedder) -> None:
    photo, faces = view = seen(app, "obama.jpg")
    (expected,) = embedder.embed(*view)

    pixels = cv2.resize(photo.upright_bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    offset = (factor - 1) / 2
    matrix = np.array([(factor, 0, offset), (0, factor, offset)])
    (found,) = embedder.embed(shown(pixels, photo), [moved(matrix, face) for face in faces])

    assert cosine(found, expected) > NEARLY_EQUAL


def test_colour_matters_little(app: App, embedder: OnnxEmbedder) -> None:
    photo, faces = view = seen(app, "obama.jpg")
    grey = cv2.cvtColor(photo.upright_bgr, cv2.COLOR_BGR2GRAY)

    (found,) = embedder.embed(shown(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), photo), faces)

    assert cosine(found, embedder.embed(*view)[0]) > 0.7


def test_a_batch_gives_the_same_vectors_as_single_faces(app: App, embedder: OnnxEmbedder) -> None:
    photo, faces = side_by_side(seen(app, "obama.jpg"), seen(app, "biden.jpg"))
    many = [*faces, *(jittered(face, number) for number in range(9) for face in faces)]

    together = embedder.embed(photo, many)

    alone = np.concatenate([embedder.embed(photo, [face]) for face in many])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    assert cosine(together[0], together[1]) < SAME_PERSON


def side_by_side(left: Seen, right: Seen) -> Seen:
    """Return the upper parts of two photos as one, with the faces of both."""
    photo, faces = left
    width, height = photo.upright_size
    pixels = np.hstack([photo.upright_bgr, right[0].upright_bgr[:height]])
    shift = np.array([(1, 0, width), (0, 1, 0)], float)
    return shown(pixels, photo), (*faces, *(moved(shift, face) for face in right[1]))


def jittered(face: Face, seed: int) -> Face:
    shift = np.random.default_rng(seed).normal(0, 4, 2)
    return moved(np.array([(1, 0, shift[0]), (0, 1, shift[1])]), face)


def test_no_faces_give_no_vectors(app: App, embedder: OnnxEmbedder) -> None:
    photo, _ = seen(app, "biden.jpg")

    vectors = embedder.embed(photo, [])

    assert vectors.shape == (0, 128)
    assert vectors.dtype == np.float32


def test_a_face_far_outside_the_photo_has_a_finite_vector(app: App, embedder: OnnxEmbedder) -> None:
    photo, (face,) = seen(app, "biden.jpg")

    away = moved(np.array([(3, 0, 9000), (0, 3, -7000)], float), face)

    assert np.isfinite(embedder.embed(photo, [away])).all()


def test_concurrent_threads_give_the_same_vectors(app: App, embedder: OnnxEmbedder) -> None:
    views = [seen(app, name) for name in ("obama.jpg", "biden.jpg", "obama2.jpg", "astronaut")]
    expected = [embedder.embed(*view) for view in views]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda view: embedder.embed(*view), views * 3))

    np.testing.assert_array_equal(found, expected * 3)


def test_embedding_does_not_change_the_photo(app: App, embedder: OnnxEmbedder) -> None:
    photo, faces = seen(app, "obama.jpg")
    copy = photo.upright_bgr.copy()

    embedder.embed(shown(copy, photo), faces)

    np.testing.assert_array_equal(copy, photo.upright_bgr)


def test_knows_its_model_version(app: App, embedder: OnnxEmbedder) -> None:
    assert embedder.model_version == app.model_version


class Recorder(Session):
    """A network that records its inputs, and returns the same vector for every face."""

    device = "cpu"
    input = "chips"

    def __init__(self) -> None:
        self.batches: list[NDArray[np.float32]] = []

    def run(
        self, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        self.batches.append(inputs["chips"])
        return [np.tile(np.array([3, 4], np.float32), (len(inputs["chips"]), 1))]


def recorded(
    spec: EmbedderSpec, faces: Sequence[Face], pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], Recorder]:
    """Return the vectors of faces, and the network with its recorded inputs."""
    photo = Photo(pixels, pixels, 1, False, ImageFormat.PNG, None)
    network = Recorder()
    embedder = OnnxEmbedder(network, spec, model_version="recorded")
    return embedder.embed(photo, faces), network


SPEC = EmbedderSpec(
    dimensions=2,
    side=20,
    channels="rgb",
    mean=100.0,
    scale=0.5,
    template=((6, 8), (14, 8), (10, 11), (7, 15), (13, 15)),
    knots=((-1.0, 0.0), (1.0, 100.0)),
)
BLUE = np.full((200, 200, 3), (200, 100, 10), np.uint8)
FACE = Face(
    Box(80, 80, 120, 120), 0.9, ((86, 88), (114, 88), (100, 98.5), (89.5, 112.5), (110.5, 112.5))
)


@pytest.mark.parametrize(("channels", "values"), [("rgb", (10, 100, 200)), ("bgr", (200, 100, 10))])
def test_the_input_follows_the_catalogue(
    channels: Literal["rgb", "bgr"], values: tuple[int, int, int]
) -> None:
    vectors, network = recorded(replace(SPEC, channels=channels), [FACE], BLUE)

    (chips,) = network.batches
    assert chips.shape == (1, 3, 20, 20)
    assert chips.dtype == np.float32
    expected = (np.array(values, np.float32) - 100) * 0.5
    np.testing.assert_array_equal(chips[0], np.broadcast_to(expected[:, None, None], (3, 20, 20)))
    np.testing.assert_allclose(vectors, [[0.6, 0.8]], atol=1e-6)


def test_the_landmarks_are_aligned_with_the_template() -> None:
    for (x, y), (expected_x, expected_y) in zip(FACE.landmarks, SPEC.template, strict=True):
        pixels = np.zeros((200, 200, 3), np.uint8)
        cv2.circle(pixels, (round(x), round(y)), 6, (255, 255, 255), -1)

        _, network = recorded(SPEC, [FACE], pixels)

        rows, columns = np.nonzero(network.batches[0][0, 0] > 0)
        assert (columns.mean(), rows.mean()) == pytest.approx((expected_x, expected_y), abs=0.5)


def test_embeds_many_faces_in_batches() -> None:
    vectors, network = recorded(SPEC, [FACE] * 19, BLUE)

    assert [len(chips) for chips in network.batches] == [8, 8, 3]
    assert vectors.shape == (19, 2)
