"""Photos, and the faces detected in them.

Frames: a photo has a STORED pixel grid (the rows and columns of the file) and an UPRIGHT one (after
the EXIF orientation, as a viewer shows it). Boxes and landmarks are upright, in absolute pixels,
unless a name says otherwise; `shared.core.photos.geometry` converts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a function that handles no arrays starts without numpy
    import numpy as np
    from numpy.typing import NDArray


Point = tuple[float, float]
"""x to the right, y downwards, in pixels."""


Landmarks = tuple[Point, Point, Point, Point, Point]
"""Left eye, right eye, nose, left and right corner of the mouth: left as in the image."""


class ImageFormat(StrEnum):
    """The supported image file formats."""

    JPEG = "jpg"
    PNG = "png"
    BMP = "bmp"


class DetectionProfile(StrEnum):
    """Which faces to detect: those good enough for recognition, or all, to hide them."""

    RECOGNITION = "recognition"
    HIDING = "hiding"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels: x1 < x2, y1 < y2. It may exceed the image."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face, in the upright frame.

    The left and right landmarks are left and right in the image of an upright head; they keep their
    meaning if the head is turned. `confidence` is 0..1.
    """

    box: Box
    confidence: float
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class Pose:
    """The direction of a head, in degrees.

    yaw > 0: turned towards the image's right; pitch > 0: looking up; roll > 0: clockwise. All are
    finite numbers. They mean nothing unless the pose is certain.
    """

    yaw: float
    pitch: float
    roll: float
    is_certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded image; both arrays are read-only and may be the same one.

    Attributes:
        stored: the pixels of the file, uint8 or uint16, of shape (H, W) grey, (H, W, 3) BGR or
            (H, W, 4) BGRA.
        upright_bgr: the upright image for detection, uint8, of shape (H, W, 3), BGR.
        orientation: the EXIF orientation, 1..8; 1 if the file has none.
        has_orientation: whether the file carries an orientation tag.
        format: the format of the file.
        quality: the JPEG quality, 1..100, as estimated from its tables; None for other formats.
    """

    stored: NDArray[np.uint8] | NDArray[np.uint16]
    upright_bgr: NDArray[np.uint8]
    orientation: int
    has_orientation: bool
    format: ImageFormat
    quality: int | None

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright image, in pixels."""
        height, width = self.upright_bgr.shape[:2]
        return width, height
