"""Photos to measure with, composed of those that come with pinned packages."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from harness import photos

_WIDTH, _HEIGHT = 1920, 1080


def full_hd_street(path: Path) -> Path:
    """Write a 1080p JPEG with three people of ordinary size; return its path."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 90, np.uint8)
    for left, name in [(0, "obama.jpg"), (700, "biden.jpg"), (1300, "obama2.jpg")]:
        _paste(canvas, photos.pixels(name), left, 560)
    return _written(path, canvas)


def full_hd_crowd(path: Path) -> Path:
    """Write a 1080p JPEG with 28 faces of 25 to 60 pixels; return its path."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 90, np.uint8)
    people = [photos.pixels(name) for name in ("obama.jpg", "biden.jpg", "obama2.jpg")]
    for row in range(4):
        for column in range(7):
            person = people[(row + column) % len(people)]
            _paste(canvas, person, 20 + column * 270, 100 + 30 * row, top=row * 260 + 20)
    return _written(path, canvas)


def one_face(path: Path) -> Path:
    """Write a 640x480 JPEG with one face; return its path."""
    image = photos.pixels("astronaut")[:384]
    small = cv2.resize(image, (640, 480), interpolation=cv2.INTER_AREA)
    return _written(path, np.asarray(small, np.uint8))


def _paste(
    canvas: NDArray[np.uint8], photo: NDArray[np.uint8], left: int, height: int, top: int = 100
) -> None:
    scale = height / photo.shape[0]
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    area = canvas[top : top + height, left : left + small.shape[1]]
    area[:] = small[: area.shape[0], : area.shape[1]]


def _written(path: Path, image: NDArray[np.uint8]) -> Path:
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path
