import numpy as np
import pytest

from harness import photos
from shared.vision.alignment import Floats, crop_square, fit_similarities

SIDE = 112  # of the crops, in pixels

POINTS = np.array([(1.0, 2.0), (30.0, 4.0), (18.0, 25.0), (5.0, 40.0), (27.0, 38.0)])


def similarity(scale: float, degrees: float, shift: tuple[float, float]) -> Floats:
    angle = np.deg2rad(degrees)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([(cosine, -sine, shift[0]), (sine, cosine, shift[1])])


def moved(matrix: Floats, points: Floats) -> Floats:
    result: Floats = points @ matrix[:, :2].T + matrix[:, 2]
    return result


def test_recovers_the_similarities_that_moved_the_points() -> None:
    expected = np.array(
        [
            similarity(2.5, 0, (3, -7)),
            similarity(0.1, 75, (1000, 2)),
            similarity(1, 180, (0, 0)),
            similarity(40, -120, (-9, 0.5)),
        ]
    )

    found = fit_similarities(POINTS, np.array([moved(matrix, POINTS) for matrix in expected]))

    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_no_other_similarity_fits_noisy_points_better() -> None:
    rng = np.random.default_rng(1)
    target = POINTS * 3 + rng.normal(0, 4, POINTS.shape)

    (found,) = fit_similarities(POINTS, target[np.newaxis])

    def error(matrix: Floats) -> float:
        return float(((moved(matrix, POINTS) - target) ** 2).sum())

    for _ in range(50):
        scale, angle = rng.normal(1, 0.01), rng.normal(0, 1)
        other = similarity(scale, angle, (0, 0))
        turn = np.column_stack([found[:, :2] @ other[:, :2], found[:, 2] + rng.normal(0, 0.1, 2)])
        assert error(found) < error(turn)


def test_never_mirrors() -> None:
    (found,) = fit_similarities(POINTS, (POINTS * (-1, 1))[np.newaxis])

    assert np.linalg.det(found[:, :2]) >= 0


def test_fits_an_empty_batch() -> None:
    assert fit_similarities(POINTS, np.empty((0, 5, 2))).shape == (0, 2, 3)


@pytest.mark.parametrize("side", [1, 112, 150])
def test_crops_exactly_the_pixels_under_the_square(side: int) -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (200, 220, 3), dtype=np.uint8)

    crop = crop_square(image, similarity(1, 0, (31, 17)), side)

    np.testing.assert_array_equal(crop, image[17 : 17 + side, 31 : 31 + side])


@pytest.mark.parametrize("scale", [1.5, 2.0, 3.7, 8.0])
def test_shrinks_without_moving_anything(scale: float) -> None:
    side = round(SIDE * scale) + 40
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    ramps = np.stack([x, y, x + y], axis=-1) * (250 / (2 * side))
    crop = crop_square(np.rint(ramps).astype(np.uint8), similarity(scale, 10, (40, 5)), SIDE)

    inner = np.arange(20, 92)
    pixels = np.stack(np.meshgrid(inner, inner), axis=-1).reshape(-1, 2).astype(float)
    places = moved(similarity(scale, 10, (40, 5)), pixels)
    expected = places @ np.array([(1, 0, 1), (0, 1, 1)]) * (250 / (2 * side))
    drift = crop[20:92, 20:92].reshape(-1, 3) - expected

    assert np.abs(drift.mean(axis=0)).max() < 0.1
    assert np.abs(drift).max() <= 1.5


def test_averages_when_it_shrinks() -> None:
    board = np.indices((900, 900)).sum(axis=0) % 2 * 255
    image = np.repeat(board[..., np.newaxis], 3, axis=2).astype(np.uint8)

    crop = crop_square(image, similarity(5, 20, (100, 50)), SIDE)

    inner = crop[20:90, 20:90].astype(float)
    assert inner.mean() == pytest.approx(127.5, abs=2)
    assert inner.std() < 12


def test_a_crop_is_black_outside_the_image() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)

    for scale in (0.5, 2.0):
        crop = crop_square(white, similarity(scale, 0, (-SIDE * scale / 2, 0)), SIDE)
        assert not crop[:, : SIDE // 2 - 3].any()
        assert crop[2 : SIDE // 4, SIDE // 2 + 3 : SIDE // 2 + 30].min() == 255


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_a_crop_far_outside_the_image_is_black(scale: float) -> None:
    white = np.full((60, 80, 3), 255, np.uint8)

    assert not crop_square(white, similarity(scale, 30, (5000, -3000)), SIDE).any()


def test_does_not_change_the_image() -> None:
    image = photos.pixels("obama.jpg")
    before = image.copy()

    crop_square(image, similarity(2, 5, (300, 100)), SIDE)

    np.testing.assert_array_equal(image, before)
