"""Parts of a photo, as the detection network sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.vision.candidates import Candidates, Floats
from shared.vision.centerface import CenterFace

Image = NDArray[np.uint8]

_RIM = 0.25  # of a face, that a window shows around it


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a photo's pixels, wholly inside the photo."""

    x: int
    y: int
    width: int
    height: int


def place(middle: Floats, side: float, photo: Image) -> Window:
    """Return a square of some side around a point, moved and cut so that it is inside the photo."""
    photo_height, photo_width = photo.shape[:2]
    pixels = max(1, round(side))
    width, height = min(pixels, photo_width), min(pixels, photo_height)
    x = min(max(0, round(float(middle[0]) - width / 2)), photo_width - width)
    y = min(max(0, round(float(middle[1]) - height / 2)), photo_height - height)
    return Window(x, y, width, height)


def bands(photo: Image, height: int, shared: int) -> list[Window]:
    """Return bands as wide as the photo that cover it and share some rows with their neighbours."""
    photo_height, photo_width = photo.shape[:2]
    height = min(height, photo_height)
    tops = [*range(0, photo_height - height, max(1, height - shared)), photo_height - height]
    return [Window(0, top, photo_width, height) for top in tops]


def cover(points: Floats, reach: float) -> Iterator[Floats]:
    """Yield middles of squares until every point is in one, those of the first points first.

    Args:
        points: shape (N, 2).
        reach: half the side of the squares.

    """
    while len(points):
        near = points[np.abs(points - points[0]).max(axis=1) <= reach]
        middle = (near.min(axis=0) + near.max(axis=0)) / 2
        yield middle
        outside = np.abs(points - middle).max(axis=1) > reach
        outside[0] = False  # rounding must not keep it
        points = points[outside]


def look(
    network: CenterFace,
    photo: Image,
    windows: Sequence[Window],
    size: tuple[int, int],
    threshold: float,
) -> list[Candidates]:
    """Return the candidates in each window, in the photo's frame, without those that its rim cuts.

    Args:
        network: what looks.
        photo: shape (H, W, 3).
        windows: at least one.
        size: width and height of the image that each window is fitted into.
        threshold: the score that candidates exceed.

    """
    found = network.find([_cut(photo, window, size) for window in windows], threshold)
    return [
        _uncut(candidates, window, _fit(window, size), photo)
        for candidates, window in zip(found, windows, strict=True)
    ]


def resize(image: Image, width: int, height: int) -> Image:
    """Return the image in another size, averaged where it shrinks."""
    old_height, old_width = image.shape[:2]
    if (width, height) == (old_width, old_height):
        return image
    # Averaging whole blocks of pixels takes a quarter of the time that fractions of pixels take.
    blocks = min(old_width // width, old_height // height)
    if blocks > 1:
        size = old_width // blocks, old_height // blocks
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _fit(window: Window, size: tuple[int, int]) -> float:
    """Return the scale at which the window just fits into an image."""
    return min(size[0] / window.width, size[1] / window.height)


def _cut(photo: Image, window: Window, size: tuple[int, int]) -> Image:
    """Return what is in the window, fitted into an image that is black elsewhere."""
    scale = _fit(window, size)
    width, height = max(1, round(window.width * scale)), max(1, round(window.height * scale))
    part = photo[window.y : window.y + window.height, window.x : window.x + window.width]
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[:height, :width] = resize(part, width, height)
    return image


def _uncut(candidates: Candidates, window: Window, scale: float, photo: Image) -> Candidates:
    """Return candidates in the photo's frame, without those too near to the window's rim.

    The network draws the box of a face that is cut inside what it sees of it.
    """
    found = candidates.mapped((1 / scale, 1 / scale), (window.x, window.y))
    corners = found.boxes.reshape(-1, 2, 2)
    rim = _RIM * (corners[:, 1] - corners[:, 0])
    low = np.array((window.x, window.y))
    high = low + np.array((window.width, window.height))
    whole = (corners[:, 0] - rim > low) | (low == 0)
    whole &= (corners[:, 1] + rim < high) | (high == photo.shape[1::-1])
    return found.take(whole.all(axis=1))
