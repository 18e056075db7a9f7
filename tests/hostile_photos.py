"""Photos that are hard on whatever looks at them, made of real ones."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from harness import photos

Image = NDArray[Any]

SIDE = 400  # pixels of a portrait
_ASTRONAUT, _OBAMA = "astronaut", "obama.jpg"
_SQUARES = {_ASTRONAUT: (90, 0, 260), _OBAMA: (200, 0, 680)}  # left, top and side in pixels
_MIDDLE = 210, 180  # x and y of the astronaut's face in the portrait,
_QUARTER = 35  # and a quarter of its width, in pixels
_CROWD = 5, 8  # rows and columns of portraits


@dataclass(frozen=True)
class Hostile:
    """A photo: how many faces it shows, and where one of them is, as x and y of 0..1."""

    data: bytes
    faces: int = 0
    place: tuple[float, float] = (0.5, 0.5)


@cache
def all_of_them() -> dict[str, Hostile]:
    """Return the photos by what is hard about them."""
    middle = _MIDDLE[0] / SIDE, _MIDDLE[1] / SIDE
    x, y = _MIDDLE
    near, face = _QUARTER, portrait(_ASTRONAUT)
    crowd = np.tile(cv2.resize(face, (190, 190), interpolation=cv2.INTER_AREA), (*_CROWD, 1))
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    return {
        "astronaut turned": Hostile(jpeg(turned(_ASTRONAUT, 135)), 1, (0.51, 0.52)),
        "obama turned": Hostile(jpeg(turned(_OBAMA, 135)), 1, (0.59, 0.52)),
        "one pixel": Hostile(jpeg(face[:1, :1])),
        "smallest that NHN takes": Hostile(jpeg(np.zeros((80, 80, 3), np.uint8))),
        "strip": Hostile(jpeg(cv2.resize(face, (8000, 20)))),
        "column": Hostile(jpeg(cv2.resize(face, (80, 8000)))),
        "black": Hostile(jpeg(np.zeros((300, 400, 3), np.uint8))),
        "white": Hostile(jpeg(np.full((300, 400, 3), 255, np.uint8))),
        "noise": Hostile(jpeg(noise)),
        "16 bits": Hostile(png(face.astype(np.uint16) * 257), 1, middle),
        "cut on the left": Hostile(jpeg(face[:, x - near :]), 1, (0.2, middle[1])),
        "cut on the right": Hostile(jpeg(face[:, : x + near]), 1, (0.8, middle[1])),
        "cut above": Hostile(jpeg(face[y - near :]), 1, (middle[0], 0.2)),
        "cut below": Hostile(jpeg(face[: y + near]), 1, (middle[0], 0.8)),
        "crowd": Hostile(jpeg(crowd), 40, (middle[0] / _CROWD[1], middle[1] / _CROWD[0])),
        "dark": Hostile(png((face * 0.04).astype(np.uint8)), 1, middle),
    }


def portrait(name: str) -> Image:
    """Return a square photo of one person."""
    return photos.square(name, _SQUARES[name], SIDE)


def turned(name: str, clockwise: float) -> Image:
    """Return the portrait, made smaller and turned about its middle, black around it."""
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), -clockwise, 0.7)
    return np.asarray(cv2.warpAffine(portrait(name), matrix, (SIDE, SIDE)))


def jpeg(image: Image) -> bytes:
    """Return the image as a file."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def png(image: Image) -> bytes:
    """Return the image as a file, of 8 or 16 bits a sample."""
    return bytes(cv2.imencode(".png", image)[1].tobytes())
