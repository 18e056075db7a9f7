"""Image files of 300 to 500 KB, the sizes that the service accepts, made of real photos."""

from functools import cache
from typing import Any

import cv2
import numpy as np

from harness import photos
from tests import image_files

_SIZE = 400_000
_MAX = 0xFFFF - 2  # bytes of a JPEG segment


@cache
def portrait(name: str) -> bytes:
    """Return a photo of one person, such as `obama.jpg`."""
    return of_size(encoded(cv2.resize(decoded(photos.load(name)), (800, 1000))), _SIZE)


@cache
def row_of(*names: str) -> bytes:
    """Return one image of several photos, from left to right."""
    columns = [cv2.resize(decoded(photos.load(name)), (480, 600)) for name in names]
    return of_size(encoded(np.hstack(columns)), _SIZE)


@cache
def without_face() -> bytes:
    """Return an image that shows nobody."""
    return of_size(encoded(np.full((300, 300, 3), 128, np.uint8)), _SIZE)


def of_size(jpeg: bytes, size: int) -> bytes:
    """Return the same picture as a file of this many bytes, filled up with comments."""
    segments = []
    missing = size - len(jpeg)
    while missing:
        length = missing - 4 if missing - 4 <= _MAX else _MAX - 4
        segments.append(image_files.jpeg_segment(0xFE, bytes(length)))
        missing -= length + 4
    return image_files.with_jpeg_segments(jpeg, *segments)


def decoded(photo: bytes) -> Any:
    """Return the pixels of a photo."""
    return cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)


def encoded(pixels: Any, suffix: str = ".jpg") -> bytes:
    """Return an image file; a JPEG is of a quality that leaves room for comments."""
    return bytes(cv2.imencode(suffix, pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
