"""Looking at whole photos: at a scale, in bands, and turned."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.vision.candidates import Candidates, suppress_overlapping
from shared.vision.looks import FULL_HD, look, look_turned
from shared.vision.yunet import YuNet


class Watched(YuNet):
    """A network that remembers the sizes of what it was shown."""

    def __init__(self, app: App) -> None:
        super().__init__(app.detector_session)
        self.pixels: list[int] = []

    def infer(self, images_bgr: list[NDArray[np.uint8]], threshold: float) -> list[Candidates]:  # type: ignore[override]
        self.pixels += [image.shape[0] * image.shape[1] for image in images_bgr]
        return super().infer(images_bgr, threshold)


@pytest.fixture
def network(app: App) -> Watched:
    return Watched(app)


@pytest.fixture(scope="module")
def astronaut(app: App) -> NDArray[np.uint8]:
    return app.codec.decode(photos.astronaut_jpeg()).upright_bgr


def middle(candidates: Candidates) -> tuple[float, float]:
    x, y = suppress_overlapping(candidates).centres[0]
    return float(x), float(y)


@pytest.mark.parametrize("size", [(120, 90), (512, 512), (1920, 1080), (4000, 2500)])
def test_places_are_those_of_the_photo(
    network: Watched, astronaut: NDArray[np.uint8], size: tuple[int, int]
) -> None:
    photo = cv2.resize(astronaut, size).astype(np.uint8)
    expected = 224 / 512 * size[0], 120 / 512 * size[1]
    for found in (
        look(network, photo, FULL_HD, 0.5),
        look_turned(network, photo, FULL_HD // 4, 0.2),
    ):
        assert middle(found) == pytest.approx(expected, abs=0.05 * max(size))


@pytest.mark.parametrize("shape", [(6000, 4000), (300, 30000), (30000, 300), (5000, 5000)])
def test_the_network_is_shown_no_more_than_it_may(network: Watched, shape: tuple[int, int]) -> None:
    photo = np.full((*shape, 3), 90, np.uint8)
    look(network, photo, 2 * FULL_HD, 0.5)
    assert max(network.pixels) <= max(FULL_HD, 256 * 8192)  # at once: it bounds the memory
    assert sum(network.pixels) <= 1.25 * 2 * FULL_HD  # bands overlap


def test_a_face_across_the_rim_of_bands_is_found_once(
    network: Watched, astronaut: NDArray[np.uint8]
) -> None:
    head = cv2.resize(astronaut[20:230, 120:330], (120, 120), interpolation=cv2.INTER_AREA)
    wall = np.full((2600, 1900, 3), 127, np.uint8)
    tops = range(0, 2480, 155)
    for top in tops:
        wall[top : top + 120, 800:920] = head
    found = suppress_overlapping(look(network, wall, 4 * FULL_HD, 0.5))
    assert len(network.pixels) > 2
    assert len(found) == len(tops)
