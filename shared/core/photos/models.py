"""Photos, and the faces found in them.

Frames: a photo has a STORED pixel grid (rows and columns of the file) and an UPRIGHT one (turned
by the EXIF orientation, as a viewer shows it). Boxes and landmarks are upright, in absolute pixels,
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
"""The eye on the image's left, the eye on its right, the nose, the mouth's corners alike."""


class ImageFormat(StrEnum):
    """The image files that are read and written."""

    JPEG = "jpg"
    PNG = "png"
    BMP = "bmp"


class DetectionProfile(StrEnum):
    """What faces are looked for: recognition wants usable ones, hiding wants all."""

    RECOGNITION = "recognition"
    HIDING = "hiding"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle, x1 < x2 and y1 < y2, in pixels, maybe partly outside the image."""

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

    Left and right of the landmarks are those of the image where the head stands upright; they keep
    their meaning where it is turned. `confidence` is 0..1.
    """

    box: Box
    confidence: float
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head points, in degrees.

    yaw > 0: turned towards the image's right; pitch > 0: looking up; roll > 0: clockwise. All are
    finite numbers. They mean nothing where the pose is not certain.
    """

    yaw: float
    pitch: float
    roll: float
    is_certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded image; both arrays are read-only and may be the same one.

    Attributes:
        stored: the file's own grid, uint8 or uint16, HxW (grey), HxWx3 (BGR) or HxWx4 (BGRA).
        upright_bgr: the same turned upright, uint8, HxWx3 (BGR), for looking at.
        orientation: the EXIF orientation, 1..8; 1 where the file names none.
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
