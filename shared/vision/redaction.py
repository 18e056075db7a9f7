"""Hides faces under ellipses with soft edges.

`VEIL` and `SOLID` are irreversible by construction: what they paint does not depend on any pixel
inside the ellipse. `MOSAIC` and `BLUR` look nicer, but keep a coarse picture of the face: an
attacker who trains on faces hidden in the same way recognises some people (`python -m
benchmarks.privacy` measures how many).

Everything is painted in the upright frame, on an upright view of the stored grid, so that the
result does not depend on the orientation. Coordinates are pixels; (0, 0) is the corner of the first
pixel.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.hiding.ports import FaceRedactor, HideMethod
from shared.core.photos import geometry
from shared.core.photos.models import Box, Face, Photo

Colours = NDArray[Any]
"""uint8 or uint16; HxW (grey) or HxWx3 (BGR)."""

Mask = NDArray[np.bool_]

Window = tuple[slice, slice]
"""Rows and columns."""

REACH = 0.8
"""The half axes of the ellipse, in widths and heights of the face's box.

The ellipse contains the whole box (half the square root of 2 would suffice), ears, chin and
forehead. The detector's box also bounds a rolled face, so an ellipse rotated with the eyes would
not cover more of it.
"""

MIN_ASPECT = 0.8
"""The lowest ratio of the axes: a profile has a narrow box, and its ear is outside."""

DIAGONAL = 1.25
"""The diagonal of an upright face's box, in its heights: it is three wide and four high.

Rolling a face keeps the diagonal, while the sides become equal and shorter than the face. So the
ellipse grows with the diagonal. This compensates for the detector, whose boxes of rolled faces are
nearly square and less precise.
"""

SOFT_EDGE = 0.12
"""The width of the soft edge outside the ellipse, in radii; no pixel of a face is blended."""

_PAINTED = 1 + SOFT_EDGE  # radii
_SURROUNDINGS = 1.35  # radii; a veil takes its colours from between 1 and this
_VEIL_SAMPLES = 32  # per axis
_VEIL_SIGMA = 9.0  # samples
_MOSAIC_CELLS = 8  # across a face
_MIN_MOSAIC_CELL = 4  # pixels
_BLUR_CELLS = 16  # across a face; so few that large faces take little longer than small ones
_BLUR_SIGMA = 3.2  # cells
_BAND = 64  # rows
_OUTLINE_BGR = (0, 255, 0)


class CvFaceRedactor(FaceRedactor):
    """Paints with OpenCV; it has no state."""

    @override
    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        """Return a copy of the photo in which the faces are hidden.

        The alpha channel stays the same, and transparent pixels are hidden too. Of overlapping
        faces, the larger is hidden first, so that the smaller ellipse reveals nothing of it.
        """
        boxes = sorted((face.box for face in faces), key=lambda box: box.area, reverse=True)
        ellipses = [_Ellipse.around(box) for box in boxes if box.area > 0]

        def paint(colours: Colours) -> None:
            hidden = _inside_any(ellipses, colours.shape)
            for ellipse in ellipses:
                if colours[ellipse.window(_PAINTED, colours.shape)].size > 0:
                    _cover(colours, ellipse, _FILLS[method](colours, ellipse, hidden))

        return _repaint(photo, paint)

    @override
    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        """Return a copy of the photo with a rectangle around each face and its confidence."""
        lines = _lines(photo.upright_size, faces)

        def paint(colours: Colours) -> None:
            brightest = np.iinfo(colours.dtype).max
            colour = _OUTLINE_BGR if colours.shape[2:] else max(_OUTLINE_BGR)
            colours[lines] = np.multiply(colour, brightest // 255)

        return _repaint(photo, paint)


def _repaint(photo: Photo, paint: Callable[[Colours], None]) -> Photo:
    """Return a copy of a photo after painting both of its grids in the upright frame."""
    upright_bgr = photo.upright_bgr.copy()
    paint(upright_bgr)
    upright_bgr.flags.writeable = False
    if photo.stored is photo.upright_bgr:
        return replace(photo, stored=upright_bgr, upright_bgr=upright_bgr)
    stored = photo.stored.copy()
    view = geometry.upright_view(stored, photo.orientation)
    paint(view[..., :3] if view.shape[2:] else view)  # without the alpha channel
    stored.flags.writeable = False
    return replace(photo, stored=stored, upright_bgr=upright_bgr)


@dataclass(frozen=True, slots=True)
class _Ellipse:
    """The centre and the half axes, in pixels."""

    x: float
    y: float
    radius_x: float
    radius_y: float

    @classmethod
    def around(cls, box: Box) -> "_Ellipse":
        length = math.hypot(box.width, box.height) / DIAGONAL  # of the face, at any roll
        reach = REACH * max(1, length / max(box.width, box.height))
        return cls(
            (box.x1 + box.x2) / 2,
            (box.y1 + box.y2) / 2,
            reach * max(box.width, MIN_ASPECT * box.height),
            reach * max(box.height, MIN_ASPECT * box.width),
        )

    @property
    def face_side(self) -> float:
        """The approximate width of the face, in pixels."""
        return min(self.radius_x, self.radius_y) / REACH

    def window(self, radii: float, shape: tuple[int, ...]) -> Window:
        """Return the part of an image that the ellipse touches, enlarged by a factor."""
        height, width = shape[:2]
        return (
            _span(self.y, radii * self.radius_y, height),
            _span(self.x, radii * self.radius_x, width),
        )

    def bands(self, window: Window) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield bands of rows of a window, with the distances of their pixels in radii.

        Bands that fit into the CPU's cache are faster, and limit the memory for large faces.
        """
        rows, columns = window
        y = (np.arange(rows.start, rows.stop) + 0.5 - self.y) / self.radius_y
        x = (np.arange(columns.start, columns.stop) + 0.5 - self.x) / self.radius_x
        y_squared, x_squared = (y * y).astype(np.float32), (x * x).astype(np.float32)
        for start in range(0, len(y), _BAND):
            distances = np.sqrt(np.add.outer(y_squared[start : start + _BAND], x_squared))
            first = rows.start + start
            yield slice(first, first + len(distances)), distances


def _span(centre: float, radius: float, size: int) -> slice:
    start, stop = math.floor(centre - radius), math.ceil(centre + radius)
    return slice(min(max(start, 0), size), min(max(stop, 0), size))


def _inside_any(ellipses: Sequence[_Ellipse], shape: tuple[int, ...]) -> Mask:
    inside = np.zeros(shape[:2], np.bool_)
    for ellipse in ellipses:
        window = ellipse.window(1, shape)
        for band, distances in ellipse.bands(window):
            inside[band, window[1]] |= distances <= 1
    return inside


def _cover(colours: Colours, ellipse: _Ellipse, fill: Colours) -> None:
    """Paint the ellipse and its soft edge, in place, with the colours of `fill` for its window."""
    rows, columns = ellipse.window(_PAINTED, colours.shape)
    for band, distances in ellipse.bands((rows, columns)):
        paint = fill[band.start - rows.start : band.stop - rows.start].astype(np.float32)
        under = colours[band, columns].astype(np.float32)
        # OpenCV adds 1e-5 to the sum of the weights, which float32 rounds away next to 255.
        weight = np.clip((_PAINTED - distances) * np.float32(255 / SOFT_EDGE), 0, 255)
        colours[band, columns] = np.rint(cv2.blendLinear(paint, under, weight, 255 - weight))


def _veil(colours: Colours, ellipse: _Ellipse, hidden: Mask) -> Colours:
    """Mix the visible colours around the ellipse; grey if there are none.

    The mixture is a normalised convolution (Knutsson and Westin, CVPR 1993) of a grid of samples.
    """
    window = ellipse.window(_SURROUNDINGS, colours.shape)
    samples = np.ix_(*(_spread(span) for span in window))
    unseen = hidden[samples]
    values = colours[samples].astype(np.float32)
    if unseen.all():
        values[:], unseen = np.iinfo(colours.dtype).max // 2, ~unseen
    values[unseen] = 0
    sums, weights = _smooth(values), _smooth((~unseen).astype(np.float32))
    mixture = np.rint((sums.T / weights.T).T).astype(colours.dtype)
    painted = ellipse.window(_PAINTED, colours.shape)
    part = tuple(
        slice(inner.start - outer.start, inner.stop - outer.start)
        for inner, outer in zip(painted, window, strict=True)
    )
    return _resize(mixture, colours[window], cv2.INTER_LINEAR)[part]


def _spread(span: slice) -> NDArray[np.intp]:
    """Return evenly spaced indices of a span."""
    size = span.stop - span.start
    count = min(_VEIL_SAMPLES, size)
    return np.asarray(span.start + (np.arange(count) + 0.5) * size / count, np.intp)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Gaussian sums with zeros beyond the border."""
    blurred = cv2.GaussianBlur(values, (0, 0), _VEIL_SIGMA, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred, np.float32)


def _solid(colours: Colours, ellipse: _Ellipse, _hidden: Mask) -> Colours:
    """Paint black."""
    return np.zeros_like(colours[ellipse.window(_PAINTED, colours.shape)])


def _mosaic(colours: Colours, ellipse: _Ellipse, _hidden: Mask) -> Colours:
    """Paint square cells, each in its mean colour."""
    cell = max(ellipse.face_side / _MOSAIC_CELLS, _MIN_MOSAIC_CELL)
    region = colours[ellipse.window(_PAINTED, colours.shape)]
    return _resize(_shrink(region, cell), region, cv2.INTER_NEAREST)


def _blur(colours: Colours, ellipse: _Ellipse, _hidden: Mask) -> Colours:
    """Paint a Gaussian blur of the region, computed on a small copy."""
    region = colours[ellipse.window(_PAINTED, colours.shape)]
    small = _shrink(region, max(ellipse.face_side / _BLUR_CELLS, 1))
    return _resize(cv2.GaussianBlur(small, (0, 0), _BLUR_SIGMA), region, cv2.INTER_LINEAR)


_FILLS: dict[HideMethod, Callable[[Colours, _Ellipse, Mask], Colours]] = {
    HideMethod.VEIL: _veil,
    HideMethod.SOLID: _solid,
    HideMethod.MOSAIC: _mosaic,
    HideMethod.BLUR: _blur,
}


def _shrink(region: Colours, cell: float) -> Colours:
    """Return the mean colours of square cells with a side of about `cell` pixels."""
    height, width = region.shape[:2]
    size = max(1, round(width / cell)), max(1, round(height / cell))
    return cv2.resize(region, size, interpolation=cv2.INTER_AREA)


def _resize(small: Colours, like: Colours, interpolation: int) -> Colours:
    height, width = like.shape[:2]
    return cv2.resize(small, (width, height), interpolation=interpolation)


def _lines(size: tuple[int, int], faces: Sequence[Face]) -> Mask:
    """Return the pixels of the lines as a mask (H, W); OpenCV only draws text on 8 bits."""
    width, height = size
    thickness = max(1, round(max(size) / 600))
    lines = np.zeros((height, width), np.uint8)
    for face in faces:
        left, top = round(face.box.x1), round(face.box.y1)
        corner = round(face.box.x2), round(face.box.y2)
        cv2.rectangle(lines, (left, top), corner, 1, thickness)
        text, origin = f"{face.confidence:.2f}", (left, top - 2 * thickness)
        cv2.putText(lines, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thickness, 1, thickness)
    return lines.view(np.bool_)
