"""Any number of small photos of one face each, no two the same.

They are the photos of `harness/photos.py`, slightly cropped, mirrored and brightened, so that each
face has its own vector.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from harness import photos

_SIDE = 240  # pixels
_ASTRONAUT = "astronaut"
# The square around each face: left, top and side in pixels.
_SQUARES = {
    "obama.jpg": (250, 0, 620),
    "biden.jpg": (150, 80, 720),
    "obama2.jpg": (126, 130, 500),
    "obama3.jpg": (300, 100, 800),
    _ASTRONAUT: (100, 0, 256),
}


def portrait(number: int) -> bytes:
    """Return the JPEG with this number, always the same."""
    chance = np.random.default_rng(number)
    image = _cropped(list(_SQUARES)[number % len(_SQUARES)])
    top, bottom, left, right = chance.integers(1, 16, size=4)
    image = image[top:-bottom, left:-right]
    if chance.random() < 0.5:
        image = cv2.flip(image, 1)
    gain, offset = chance.uniform(0.8, 1.15), chance.uniform(-15, 15)
    image = cv2.convertScaleAbs(image, alpha=gain, beta=offset)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    return bytes(encoded.tobytes())


@cache
def _cropped(name: str) -> NDArray[Any]:
    return photos.square(name, _SQUARES[name], _SIDE)
