"""Photos at other sizes."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def resize(image: Image, zoom: float) -> Image:
    """Return the image (H, W, 3) at another scale, averaged where it shrinks."""
    if zoom == 1:
        return image
    height, width = (max(1, round(side * zoom)) for side in image.shape[:2])
    # OpenCV averages pairs of pixels much faster than any other numbers of them.
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def scale_between(image: Image, other: Image) -> tuple[float, float]:
    """Return what x and y of the first image are multiplied by in the second."""
    return other.shape[1] / image.shape[1], other.shape[0] / image.shape[0]


def longer_side(image: Image) -> int:
    """Return the greater of height and width."""
    return int(max(image.shape[:2]))


def count_pixels(image: Image) -> int:
    """Return height times width."""
    return int(image.shape[0] * image.shape[1])
