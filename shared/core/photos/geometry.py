"""Geometry of rectangles, and conversion between the upright and the stored frame.

An EXIF orientation (1..8, CIPA DC-008, tag 274) means that the stored pixels become upright by a
transposition, if it is 5 or more, followed by reflections.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from shared.core.photos.models import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIRRORED_X = frozenset({2, 3, 6, 7})
_MIRRORED_Y = frozenset({3, 4, 7, 8})
_FIRST_TRANSPOSED = 5


def to_stored(box: Box, orientation: int, width: int, height: int) -> Box:
    """Return a rectangle of the upright image in the stored frame, in pixels.

    Args:
        box: in the upright frame, in pixels.
        orientation: the EXIF orientation of the photo, 1..8.
        width: of the UPRIGHT image, in pixels.
        height: of the UPRIGHT image, in pixels.
    """
    x1, y1, x2, y2 = box.x1, box.y1, box.x2, box.y2
    if orientation in _MIRRORED_X:
        x1, x2 = width - x2, width - x1
    if orientation in _MIRRORED_Y:
        y1, y2 = height - y2, height - y1
    if orientation >= _FIRST_TRANSPOSED:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return Box(x1, y1, x2, y2)


def upright_view(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels, of shape (H, W) or (H, W, C), turned upright: a view, not a copy."""
    pixels = stored.swapaxes(0, 1) if orientation >= _FIRST_TRANSPOSED else stored
    down = -1 if orientation in _MIRRORED_Y else 1
    right = -1 if orientation in _MIRRORED_X else 1
    return pixels[::down, ::right]


def clip(box: Box, width: float, height: float) -> Box:
    """Return the part of a rectangle inside an image; its area is 0 if they do not overlap."""
    return Box(
        min(max(box.x1, 0), width),
        min(max(box.y1, 0), height),
        min(max(box.x2, 0), width),
        min(max(box.y2, 0), height),
    )


def to_whole_pixels(box: Box) -> tuple[int, int, int, int]:
    """Return x1, y1, x2, y2 of the smallest rectangle of whole pixels around another."""
    return math.floor(box.x1), math.floor(box.y1), math.ceil(box.x2), math.ceil(box.y2)


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two rectangles, 0..1 (the Jaccard index)."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.area + b.area - shared)


def as_ratios(box: Box, width: int, height: int) -> Box:
    """Return a rectangle in pixels as ratios 0..1 of an image's size, clipped to the image."""
    inside = clip(box, width, height)
    return Box(inside.x1 / width, inside.y1 / height, inside.x2 / width, inside.y2 / height)
