"""Inference passes over whole photos: rescaled, in bands, and rotated."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.vision.detections import Detections, non_maximum_suppression
from shared.vision.inference_passes import FULL_HD, run_pass, run_rotated_pass
from shared.vision.yunet import YuNet


class Recording(YuNet):
    """A network that records the sizes of its inputs."""

    def __init__(self, app: App) -> None:
        super().__init__(app.detector_session)
        self.pixels: list[int] = []

    def infer(self, images_bgr: list[NDArray[np.uint8]], threshold: float) -> list[Detections]:  # type: ignore[override]
        self.pixels += [image.shape[0] * image.shape[1] for image in images_bgr]
        return super().infer(images_bgr, threshold)


@pytest.fixture
def network(app: App) -> Recording:
    return Recording(app)


@pytest.fixture(scope="module")
def astronaut(app: App) -> NDArray[np.uint8]:
    return app.codec.decode(photos.astronaut_jpeg()).upright_bgr


def middle(detections: Detections) -> tuple[float, float]:
    x, y = non_maximum_suppression(detections).centres[0]
    return float(x), float(y)


@pytest.mark.parametrize("size", [(120, 90), (512, 512), (1920, 1080), (4000, 2500)])
def test_detections_are_in_the_frame_of_the_photo(
    network: Recording, astronaut: NDArray[np.uint8], size: tuple[int, int]
) -> None:
    photo = cv2.resize(astronaut, size).astype(np.uint8)
    expected = 224 / 512 * size[0], 120 / 512 * size[1]
    for found in (
        run_pass(network, photo, FULL_HD, 0.5),
        run_rotated_pass(network, photo, FULL_HD // 4, 0.2),
    ):
        assert middle(found) == pytest.approx(expected, abs=0.05 * max(size))


@pytest.mark.parametrize("shape", [(6000, 4000), (300, 30000), (30000, 300), (5000, 5000)])
def test_the_network_processes_a_limited_number_of_pixels(
    network: Recording, shape: tuple[int, int]
) -> None:
    photo = np.full((*shape, 3), 90, np.uint8)
    run_pass(network, photo, 2 * FULL_HD, 0.5)
    assert max(network.pixels) <= max(FULL_HD, 256 * 8192)  # at once: it bounds the memory
    assert sum(network.pixels) <= 1.25 * 2 * FULL_HD  # bands overlap


def test_a_face_on_the_edge_of_two_bands_is_found_once(
    network: Recording, astronaut: NDArray[np.uint8]
) -> None:
    head = cv2.resize(astronaut[20:230, 120:330], (120, 120), interpolation=cv2.INTER_AREA)
    wall = np.full((2600, 1900, 3), 127, np.uint8)
    tops = range(0, 2480, 155)
    for top in tops:
        wall[top : top + 120, 800:920] = head
    found = non_maximum_suppression(run_pass(network, wall, 4 * FULL_HD, 0.5))
    assert len(network.pixels) > 2
    assert len(found) == len(tops)
