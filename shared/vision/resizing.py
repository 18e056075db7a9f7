"""Rescaling of photos."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""BGR, shape (H, W, 3)."""


def resize(image: Image, zoom: float) -> Image:
    """Return the image rescaled by a factor, averaged where it shrinks; the image itself for 1."""
    if zoom == 1:
        return image
    height, width = (max(1, round(side * zoom)) for side in image.shape[:2])
    # OpenCV averages much faster by a factor of two than by any other.
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def scale_between(image: Image, other: Image) -> tuple[float, float]:
    """Return the factors by which x and y of one image become those of the other."""
    return other.shape[1] / image.shape[1], other.shape[0] / image.shape[0]


def longer_side(image: Image) -> int:
    """Return the larger of height and width, in pixels."""
    return int(max(image.shape[:2]))
