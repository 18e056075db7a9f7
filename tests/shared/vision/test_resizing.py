"""Rescaling of photos."""

import numpy as np
import pytest

from shared.vision.resizing import resize, scale_between


@pytest.mark.parametrize("zoom", [0.03, 0.2, 0.49, 0.5, 0.51, 0.999, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (333, 77), (512, 512)])
def test_multiplies_the_sides(shape: tuple[int, int], zoom: float) -> None:
    zoomed = resize(np.zeros((*shape, 3), np.uint8), zoom)
    assert zoomed.shape == (max(1, round(shape[0] * zoom)), max(1, round(shape[1] * zoom)), 3)


def test_shrinking_averages() -> None:
    """Sampling every eighth pixel of a checkerboard would not give grey."""
    pattern = np.zeros((640, 640, 3), np.uint8)
    pattern[::2, ::2] = pattern[1::2, 1::2] = 200
    small = resize(pattern, 1 / 8)
    assert small.min() >= 95
    assert small.max() <= 105


def test_an_image_of_the_same_size_is_not_copied() -> None:
    image = np.zeros((5, 6, 3), np.uint8)
    assert resize(image, 1) is image


def test_the_scale_between_two_images_is_per_direction() -> None:
    one, other = np.zeros((10, 20, 3), np.uint8), np.zeros((5, 60, 3), np.uint8)
    assert scale_between(one, other) == (3.0, 0.5)
