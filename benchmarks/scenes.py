"""Photos to measure with, made of those that come with pinned packages."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests import photos

FULL_HD = (1920, 1080)


def full_hd_street(path: Path) -> Path:
    """Write a 1080p JPEG with three people of ordinary size; return its path."""
    canvas = np.full((FULL_HD[1], FULL_HD[0], 3), 90, np.uint8)
    for left, name in [(0, "obama.jpg"), (700, "biden.jpg"), (1300, "obama2.jpg")]:
        _paste(canvas, _decoded(photos.load(name)), left, 560)
    return _written(path, canvas)


def full_hd_crowd(path: Path) -> Path:
    """Write a 1080p JPEG with 28 faces of 25 to 60 pixels; return its path."""
    canvas = np.full((FULL_HD[1], FULL_HD[0], 3), 90, np.uint8)
    people = [_decoded(photos.load(name)) for name in ("obama.jpg", "biden.jpg", "obama2.jpg")]
    for row in range(4):
        for column in range(7):
            person = people[(row + column) % len(people)]
            _paste(canvas, person, 20 + column * 270, 100 + 30 * row, top=row * 260 + 20)
    return _written(path, canvas)


def one_face(path: Path) -> Path:
    """Write a 640x480 JPEG with one face; return its path."""
    image = _decoded(photos.astronaut_jpeg())
    small = cv2.resize(image[:384, :], (640, 480), interpolation=cv2.INTER_AREA)
    return _written(path, np.asarray(small, np.uint8))


def portrait(path: Path, name: str) -> Path:
    """Write a photo of the packages as it is; return its path."""
    path.write_bytes(photos.load(name))
    return path


def _decoded(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the photo cannot be decoded")
    return image.astype(np.uint8, copy=False)


def _paste(
    canvas: NDArray[np.uint8], photo: NDArray[np.uint8], left: int, height: int, top: int = 100
) -> None:
    scale = height / photo.shape[0]
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    room = canvas[top : top + height, left : left + small.shape[1]]
    room[:] = small[: room.shape[0], : room.shape[1]]


def _written(path: Path, image: NDArray[np.uint8]) -> Path:
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path
