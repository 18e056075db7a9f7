from itertools import pairwise

import cv2
import numpy as np
import pytest

from shared.app import App
from shared.vision.centerface import CenterFace
from shared.vision.windows import (
    Image,
    Window,
    look,
    place_window,
    split_into_bands,
    zoom_image,
)
from tests import photos

PHOTO = np.zeros((100, 200, 3), np.uint8)


def astronaut() -> Image:
    image = cv2.imdecode(np.frombuffer(photos.astronaut_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.mark.parametrize(
    ("centre", "side", "expected"),
    [
        ((100, 50), 40, Window(80, 30, 40, 40)),
        ((3, 98), 40, Window(0, 60, 40, 40)),
        ((199, 1), 40, Window(160, 0, 40, 40)),
        ((100, 50), 150, Window(25, 0, 150, 100)),
        ((100, 50), 0.1, Window(100, 50, 1, 1)),
    ],
)
def test_a_window_is_inside_the_photo(
    centre: tuple[float, float], side: float, expected: Window
) -> None:
    assert place_window(np.array(centre, np.float32), side, PHOTO) == expected


@pytest.mark.parametrize("height", [30, 64, 99, 100, 500])
def test_bands_cover_every_row_and_share_some(height: int) -> None:
    bands = split_into_bands(PHOTO, height, 10)
    rows = [set(range(band.y, band.y + band.height)) for band in bands]
    assert set().union(*rows) == set(range(100))
    assert all(band.x == 0 and band.width == 200 for band in bands)
    assert all(len(one & other) >= 10 for one, other in pairwise(rows))


@pytest.mark.parametrize("zoom", [0.01, 0.21, 0.35, 0.5, 1, 2.5])
def test_a_zoomed_image_keeps_its_colour_and_its_shape(zoom: float) -> None:
    zoomed = zoom_image(np.full((301, 503, 3), (10, 100, 200), np.uint8), zoom)
    assert zoomed.shape == (round(301 * zoom), round(503 * zoom), 3)
    assert (zoomed == (10, 100, 200)).all()


def test_shrinking_averages() -> None:
    stripes = np.zeros((60, 60, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.allclose(zoom_image(stripes, 1 / 6), 100, atol=1)


def test_what_a_window_shows_is_in_the_photos_frame(app: App) -> None:
    network = CenterFace(app.detector_session)
    windows = [Window(90, 0, 256, 256), Window(130, 10, 200, 200)]
    for found in look(network, astronaut(), windows, (160, 160), 0.5):
        (x, y), (width, height) = found.centres[0], found.sizes[0]
        assert (x, y) == pytest.approx((225, 120), abs=8)
        assert (width, height) == pytest.approx((91, 118), rel=0.15)


def test_a_face_that_the_window_cuts_is_left_to_other_windows(app: App) -> None:
    network = CenterFace(app.detector_session)
    windows = [Window(190, 20, 200, 200)]
    (cut,) = look(network, astronaut(), windows, (200, 200), 0.2)
    (at_rim,) = look(network, astronaut()[:, 190:], [Window(0, 20, 200, 200)], (200, 200), 0.2)
    assert len(cut) == 0
    assert len(at_rim) > 0  # where the photo itself ends, there is no other window
