from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.app import App
from shared.core.models import DetectionScale, Face, Photo
from shared.vision import weights
from shared.vision.embedder import DlibEmbedder
from shared.vision.landmarks import LandmarkPredictor
from shared.vision.session import Session
from tests import photos

SAME_PERSON = 0.41
NEARLY_EQUAL = 0.1

Seen = tuple[Photo, tuple[Face, ...]]


@pytest.fixture(scope="module", params=["fp32", "int8"])
def embedder(request: pytest.FixtureRequest, app: App) -> DlibEmbedder:
    model = f"dlib-resnet-{request.param}"
    models_dir = app.settings.models_dir
    return DlibEmbedder(
        Session(weights.load(model, models_dir), provider="cpu", threads=0),
        LandmarkPredictor(weights.load("dlib-5-points", models_dir)),
        model_version=weights.catalogue()[model].version,
    )


def seen(app: App, name: str) -> Seen:
    """Return a photo and the one face on it."""
    data = photos.astronaut_jpeg() if name == "astronaut" else photos.load(name)
    photo = app.images.decode(data)
    return photo, app.detector.detect(photo, scale=DetectionScale.RECOGNITION)[:1]


def moved(matrix: NDArray[np.float64], face: Face) -> Face:
    """Return a face whose landmarks follow a change of the photo; its box is not looked at."""
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


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other))


def test_photos_of_a_person_are_nearer_than_those_of_two(app: App, embedder: DlibEmbedder) -> None:
    names = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut"]
    *obama, biden, astronaut = (embedder.embed(*seen(app, name))[0] for name in names)

    assert max(distance(one, other) for one in obama for other in obama) < SAME_PERSON - 0.05
    for one in obama:
        assert min(distance(one, biden), distance(one, astronaut)) > SAME_PERSON + 0.1
    assert distance(biden, astronaut) > SAME_PERSON + 0.1


@pytest.mark.parametrize("name", ["obama_partial_face.jpg", "obama_partial_face2.jpg"])
def test_knows_a_face_that_the_border_cuts(name: str, app: App, embedder: DlibEmbedder) -> None:
    (whole,) = embedder.embed(*seen(app, "obama.jpg"))
    (cut,) = embedder.embed(*seen(app, name))

    assert distance(whole, cut) < SAME_PERSON


def test_vectors_are_float32_of_unit_length(app: App, embedder: DlibEmbedder) -> None:
    vectors = embedder.embed(*seen(app, "biden.jpg"))

    assert vectors.shape == (1, 128)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("degrees", [-90, 15, 45, 90, 180])
def test_roll_changes_little(degrees: float, app: App, embedder: DlibEmbedder) -> None:
    photo, (face,) = upright = seen(app, "obama.jpg")
    turn = cv2.getRotationMatrix2D(face.landmarks[2], degrees, 1)
    (expected,) = embedder.embed(*upright)

    turned = warped(upright, np.asarray(turn, np.float64), photo.upright_size)

    assert distance(embedder.embed(*turned)[0], expected) < NEARLY_EQUAL


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.6])
def test_resolution_changes_little(factor: float, app: App, embedder: DlibEmbedder) -> None:
    photo, faces = view = seen(app, "obama.jpg")
    (expected,) = embedder.embed(*view)

    pixels = cv2.resize(photo.upright_bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    offset = (factor - 1) / 2
    matrix = np.array([(factor, 0, offset), (0, factor, offset)])
    (found,) = embedder.embed(shown(pixels, photo), [moved(matrix, face) for face in faces])

    assert distance(found, expected) < NEARLY_EQUAL


def test_colour_matters_little(app: App, embedder: DlibEmbedder) -> None:
    photo, faces = view = seen(app, "obama.jpg")
    grey = cv2.cvtColor(photo.upright_bgr, cv2.COLOR_BGR2GRAY)

    (found,) = embedder.embed(shown(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), photo), faces)

    assert distance(found, embedder.embed(*view)[0]) < 0.3


def test_many_faces_of_a_photo_are_each_as_alone(app: App, embedder: DlibEmbedder) -> None:
    photo, faces = side_by_side(seen(app, "obama.jpg"), seen(app, "biden.jpg"))
    many = [*faces, *(jittered(face, number) for number in range(9) for face in faces)]

    together = embedder.embed(photo, many)

    alone = np.concatenate([embedder.embed(photo, [face]) for face in many])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    assert distance(together[0], together[1]) > SAME_PERSON


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


def test_no_faces_have_no_vectors(app: App, embedder: DlibEmbedder) -> None:
    photo, _ = seen(app, "biden.jpg")

    vectors = embedder.embed(photo, [])

    assert vectors.shape == (0, 128)
    assert vectors.dtype == np.float32


def test_a_face_far_outside_the_photo_has_a_finite_vector(app: App, embedder: DlibEmbedder) -> None:
    photo, (face,) = seen(app, "biden.jpg")

    away = moved(np.array([(3, 0, 9000), (0, 3, -7000)], float), face)

    assert np.isfinite(embedder.embed(photo, [away])).all()


def test_four_threads_find_the_same(app: App, embedder: DlibEmbedder) -> None:
    views = [seen(app, name) for name in ("obama.jpg", "biden.jpg", "obama2.jpg", "astronaut")]
    expected = [embedder.embed(*view) for view in views]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda view: embedder.embed(*view), views * 3))

    np.testing.assert_array_equal(found, expected * 3)


def test_leaves_the_photo_as_it_is(app: App, embedder: DlibEmbedder) -> None:
    photo, faces = seen(app, "obama.jpg")
    copy = photo.upright_bgr.copy()

    embedder.embed(shown(copy, photo), faces)

    np.testing.assert_array_equal(copy, photo.upright_bgr)


def test_says_which_model_made_the_vectors(embedder: DlibEmbedder) -> None:
    assert embedder.model_version in {row.version for row in weights.catalogue().values()}
