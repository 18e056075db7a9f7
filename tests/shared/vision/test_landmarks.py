import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.config import Settings
from shared.vision import weights
from shared.vision.alignment import Floats
from shared.vision.landmarks import LandmarkPredictor, squares_around
from tests import photos

# What dlib 20.0.1 says: the square it is given (left, top, right, bottom), and its five points.
DLIB = {
    "obama.jpg": [
        ((349, 142, 617, 409), [(570, 216), (528, 215), (424, 217), (463, 216), (496, 295)]),
        ((312, 155, 612, 438), [(570, 215), (528, 215), (423, 217), (464, 216), (494, 295)]),
    ],
    "biden.jpg": [
        ((419, 241, 740, 562), [(672, 356), (627, 347), (510, 320), (556, 331), (582, 428)]),
        ((382, 254, 735, 591), [(671, 356), (626, 347), (508, 321), (556, 331), (582, 428)]),
    ],
}
# The detector's points on obama.jpg, rounded.
DETECTED = np.array([(444, 216), (546, 214), (497, 282), (449, 332), (543, 329)], float)


@pytest.fixture(scope="module")
def model() -> bytes:
    return weights.load("dlib-5-points", Settings.from_environment().models_dir)


@pytest.fixture(scope="module")
def predictor(model: bytes) -> LandmarkPredictor:
    return LandmarkPredictor(model)


def decoded(name: str) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(photos.load(name), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, np.uint8)


def square(left: float, top: float, right: float, bottom: float) -> Floats:
    return np.array([(right - left, 0, left), (0, bottom - top, top)], float)


@pytest.mark.parametrize("name", DLIB)
def test_finds_dlibs_points_from_dlibs_squares(name: str, predictor: LandmarkPredictor) -> None:
    squares = np.array([square(*corners) for corners, _ in DLIB[name]])

    found = predictor.predict(decoded(name), squares)

    np.testing.assert_array_equal(np.floor(found + 0.5), [points for _, points in DLIB[name]])


def test_agrees_to_the_last_bit_with_trees_walked_one_by_one(
    predictor: LandmarkPredictor, model: bytes
) -> None:
    image = decoded("obama.jpg")
    squares = np.array([square(349, 142, 617, 409), square(700, 800, 990, 1200)])
    with np.load(io.BytesIO(model)) as arrays:
        tables = dict(arrays)

    found = predictor.predict(image, squares)

    for to_image, points in zip(squares, found, strict=True):
        shape = walk_trees(tables, image, to_image)
        expected = shape @ to_image[:, :2].T + to_image[:, 2]
        np.testing.assert_allclose(points, expected, rtol=0, atol=1e-9)


def walk_trees(
    tables: Mapping[str, NDArray[Any]], image: NDArray[np.uint8], to_image: Floats
) -> Floats:
    """Return the points in the unit square, the way dlib's shape_predictor.h goes."""
    initial = shape = tables["initial_shape"]
    for cascade in range(15):
        greys = sample(tables, cascade, image, to_image, initial, shape)
        for tree in range(500):
            node = 0
            while node < 15:
                one, other = tables["splits"][cascade, tree, node]
                above = greys[one] - greys[other] > tables["thresholds"][cascade, tree, node]
                node = 2 * node + (1 if above else 2)
            shape = shape + tables["leaves"][cascade, tree, node - 15]
    return shape.astype(np.float64)


def sample(
    tables: Mapping[str, NDArray[Any]],
    cascade: int,
    image: NDArray[np.uint8],
    to_image: Floats,
    initial: NDArray[np.float32],
    shape: NDArray[np.float32],
) -> list[int]:
    source, target = (
        (points - points.mean(axis=0, dtype=float)) @ (1, 1j) for points in (initial, shape)
    )
    factor = np.complex64((source.conj() * target).sum() / (np.abs(source) ** 2).sum())
    height, width = image.shape[:2]
    greys = []
    for anchor, (dx, dy) in zip(tables["anchors"][cascade], tables["deltas"][cascade], strict=True):
        x = factor.real * dx - factor.imag * dy + shape[anchor, 0]
        y = factor.imag * dx + factor.real * dy + shape[anchor, 1]
        column, row = np.floor(to_image @ (float(x), float(y), 1.0) + 0.5).astype(int)
        inside = 0 <= column < width and 0 <= row < height
        greys.append(int(image[row, column].astype(int).sum()) // 3 if inside else 0)
    return greys


def test_many_faces_at_once_are_each_as_alone(predictor: LandmarkPredictor) -> None:
    image = decoded("obama.jpg")
    rng = np.random.default_rng(3)
    squares = squares_around(
        DETECTED + rng.normal(0, 15, (20, 1, 2)) + rng.normal(0, 3, (20, 5, 2))
    )

    together = predictor.predict(image, squares)

    alone = [predictor.predict(image, squares[number : number + 1])[0] for number in range(20)]
    np.testing.assert_allclose(together, alone, atol=1e-9)


@pytest.mark.parametrize("degrees", [-160, -90, -45, 15, 45, 90, 180])
def test_follows_any_roll(degrees: float, predictor: LandmarkPredictor) -> None:
    image = decoded("obama.jpg")
    (upright,) = predictor.predict(image, squares_around(DETECTED[np.newaxis]))
    turn = np.asarray(cv2.getRotationMatrix2D((497, 260), degrees, 1), float)
    turned = cv2.warpAffine(image, turn, (910, 700))

    detected = DETECTED @ turn[:, :2].T + turn[:, 2]
    (found,) = predictor.predict(np.asarray(turned, np.uint8), squares_around(detected[np.newaxis]))

    expected = upright @ turn[:, :2].T + turn[:, 2]
    assert np.abs(found - expected).max() < 4  # of 146 pixels between the outer corners of the eyes


def test_finds_finite_points_beyond_the_border(predictor: LandmarkPredictor) -> None:
    image = decoded("obama.jpg")[:250, 480:]

    points = predictor.predict(image, squares_around(DETECTED[np.newaxis] - (480, 0)))

    assert np.isfinite(points).all()


def test_takes_an_array_that_is_not_contiguous(predictor: LandmarkPredictor) -> None:
    image = decoded("obama.jpg")
    squares = squares_around(DETECTED[np.newaxis])
    every_second = np.repeat(image, 2, axis=1)[:, ::2]

    found = predictor.predict(every_second, squares)

    np.testing.assert_array_equal(found, predictor.predict(image, squares))


def test_finds_nothing_on_no_faces(predictor: LandmarkPredictor) -> None:
    squares = squares_around(np.empty((0, 5, 2)))

    assert predictor.predict(decoded("obama.jpg"), squares).shape == (0, 5, 2)


def test_many_threads_find_the_same(predictor: LandmarkPredictor) -> None:
    image = decoded("obama.jpg")
    squares = [squares_around(DETECTED[np.newaxis] + shift) for shift in range(12)]
    expected = [predictor.predict(image, each) for each in squares]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: predictor.predict(image, each), squares))

    np.testing.assert_array_equal(found, expected)
