"""Looking at parts of a photo with the detection network."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.vision.candidates import Candidates, Floats
from shared.vision.centerface import CenterFace

Image = NDArray[np.uint8]

_MARGIN = 0.25  # of its size, that a face needs between itself and the rim of a window


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a photo's pixels, wholly inside the photo."""

    x: int
    y: int
    width: int
    height: int


def place_window(centre: Floats, side: float, photo: Image) -> Window:
    """Return a square around a point, moved and cut so that it is inside the photo."""
    photo_height, photo_width = photo.shape[:2]
    pixels = max(1, round(side))
    width, height = min(pixels, photo_width), min(pixels, photo_height)
    x = min(max(0, round(float(centre[0]) - width / 2)), photo_width - width)
    y = min(max(0, round(float(centre[1]) - height / 2)), photo_height - height)
    return Window(x, y, width, height)


def split_into_bands(photo: Image, height: int, overlap: int) -> list[Window]:
    """Return windows as wide as the photo that cover it from top to bottom.

    Args:
        photo: shape (H, W, 3).
        height: of a band, in pixels.
        overlap: rows that neighbouring bands share, less than the height.

    """
    photo_height, photo_width = photo.shape[:2]
    height = min(height, photo_height)
    lowest = photo_height - height
    tops = [*range(0, lowest, height - overlap), lowest]
    return [Window(0, top, photo_width, height) for top in tops]


def look(
    network: CenterFace,
    photo: Image,
    windows: Sequence[Window],
    size: tuple[int, int],
    threshold: float,
) -> list[Candidates]:
    """Return the candidates in each window, in the photo's frame, but for those near its rim.

    Of a face that the rim cuts, the network draws a box around what it sees.

    Args:
        network: what looks at all windows at once.
        photo: shape (H, W, 3).
        windows: at least one.
        size: width and height of the image that each window is fitted into.
        threshold: the score that candidates exceed.

    """
    found = network.find([_cut(photo, window, size) for window in windows], threshold)
    return [
        _drop_near_rim(_in_photo(candidates, window, size), window, photo)
        for candidates, window in zip(found, windows, strict=True)
    ]


def zoom_image(image: Image, zoom: float) -> Image:
    """Return the image at another scale."""
    height, width = image.shape[:2]
    return _resize(image, max(1, round(width * zoom)), max(1, round(height * zoom)))


def count_pixels(image: Image) -> int:
    """Return height times width."""
    return int(image.shape[0] * image.shape[1])


def _resize(image: Image, width: int, height: int) -> Image:
    """Return the image in another size, averaged where it shrinks."""
    old_height, old_width = image.shape[:2]
    # OpenCV averages whole blocks of pixels much faster than fractions of pixels.
    blocks = min(old_width // width, old_height // height)
    if blocks > 1:
        size = old_width // blocks, old_height // blocks
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _fit(window: Window, size: tuple[int, int]) -> float:
    """Return the scale at which the window just fits into an image."""
    return min(size[0] / window.width, size[1] / window.height)


def _cut(photo: Image, window: Window, size: tuple[int, int]) -> Image:
    """Return what is in the window, at the upper left of an image that is black elsewhere."""
    scale = _fit(window, size)
    width, height = max(1, round(window.width * scale)), max(1, round(window.height * scale))
    part = photo[window.y : window.y + window.height, window.x : window.x + window.width]
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[:height, :width] = _resize(part, width, height)
    return image


def _in_photo(candidates: Candidates, window: Window, size: tuple[int, int]) -> Candidates:
    scale = 1 / _fit(window, size)
    return candidates.mapped((scale, scale), (window.x, window.y))


def _drop_near_rim(candidates: Candidates, window: Window, photo: Image) -> Candidates:
    """Return candidates away from the window's rim, or where the rim is that of the photo."""
    margins = _MARGIN * candidates.sizes
    low = np.array((window.x, window.y))
    high = low + np.array((window.width, window.height))
    inside = (candidates.boxes[:, :2] - margins > low) | (low == 0)
    inside &= (candidates.boxes[:, 2:] + margins < high) | (high == photo.shape[1::-1])
    return candidates.take(inside.all(axis=1))
