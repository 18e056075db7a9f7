"""Hiding faces under soft-edged ellipses.

`VEIL` and `SOLID` are irreversible by construction: they paint an ellipse without looking at a
single pixel inside it. `MOSAIC` and `BLUR` are there for their looks: they keep a coarse picture of
the face, by which an attacker who trains on faces hidden in the same way recognises some people
(`python -m benchmarks.privacy` counts how many).

All work is done in the upright frame, on a turned view of the stored grid; so a photo is hidden in
the same way whatever its orientation. Coordinates count from the corner of the first pixel.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.core.hiding.ports import HideMethod
from shared.core.photos import geometry
from shared.core.photos.models import Box, Face, Photo

Colours = NDArray[Any]
"""uint8 or uint16; HxW (grey) or HxWx3 (BGR)."""

Mask = NDArray[np.bool_]

Window = tuple[slice, slice]
"""Rows and columns."""

REACH = 0.8
"""Half an axis of the ellipse, in widths and heights of the face's box.

It holds the whole box (half the square root of 2 would do), and with it ears, chin and forehead.
The detector's box bounds a rolled face too: an ellipse turned by the eyes covers no more of it.
"""

MIN_ASPECT = 0.8
"""Of the ellipse: a profile has a narrow box, and its ear lies behind it."""

DIAGONAL = 1.25
"""Of the box of an upright face, in its heights: three wide and four high.

The diagonal stays the same however a face is rolled, while the sides become alike and shorter than
the face. So a box with a longer diagonal gets a larger ellipse. That makes up for the detector,
whose boxes of faces that lie or stand on their head are nearly square and less exact.
"""

SOFT_EDGE = 0.12
"""Width of the soft edge, in radii. It lies outside the ellipse: no pixel of a face is blended."""

_PAINTED = 1 + SOFT_EDGE  # radii
_SURROUNDINGS = 1.35  # radii; a veil takes its colours between 1 and this
_VEIL_SAMPLES = 32  # an axis
_VEIL_SIGMA = 9.0  # samples
_MOSAIC_CELLS = 8  # across a face
_MIN_MOSAIC_CELL = 4  # pixels
_BLUR_CELLS = 16  # across a face: few, so that a large face takes hardly longer than a small one
_BLUR_SIGMA = 3.2  # cells
_BAND = 64  # rows
_OUTLINE_BGR = (0, 255, 0)


class CvFaceRedactor:
    """Implements `FaceRedactor` with OpenCV; it has no state."""

    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        """Return a copy of the photo in which the faces cannot be seen.

        An alpha channel stays as it is, and what is transparent is hidden too. Where faces overlap
        the larger is hidden first: the smaller then shows no more of it than its cover does.
        """
        boxes = sorted((face.box for face in faces), key=lambda box: box.area, reverse=True)
        ellipses = [_Ellipse.around(box) for box in boxes if box.area > 0]

        def paint(colours: Colours) -> None:
            hidden = _inside_any(ellipses, colours.shape)
            for ellipse in ellipses:
                if colours[ellipse.window(_PAINTED, colours.shape)].size > 0:
                    _cover(colours, ellipse, _FILLS[method](colours, ellipse, hidden))

        return _repaint(photo, paint)

    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        """Return a copy of the photo with a rectangle around each face and its confidence."""
        lines = _draw_lines(photo.upright_size, faces)

        def paint(colours: Colours) -> None:
            brightest = np.iinfo(colours.dtype).max
            colour = _OUTLINE_BGR if colours.shape[2:] else max(_OUTLINE_BGR)
            colours[lines] = np.multiply(colour, brightest // 255)

        return _repaint(photo, paint)


def _repaint(photo: Photo, paint: Callable[[Colours], None]) -> Photo:
    """Return a copy of a photo, both of whose grids were painted in the upright frame."""
    upright_bgr = photo.upright_bgr.copy()
    paint(upright_bgr)
    upright_bgr.flags.writeable = False
    if photo.stored is photo.upright_bgr:
        return replace(photo, stored=upright_bgr, upright_bgr=upright_bgr)
    stored = photo.stored.copy()
    paint(_colours(geometry.turned(stored, photo.orientation)))
    stored.flags.writeable = False
    return replace(photo, stored=stored, upright_bgr=upright_bgr)


def _colours(pixels: NDArray[Any]) -> Colours:
    """Return a view without the alpha channel."""
    return pixels[..., :3] if pixels.shape[2:] else pixels


@dataclass(frozen=True, slots=True)
class _Ellipse:
    """Centre and half axes, in pixels."""

    x: float
    y: float
    radius_x: float
    radius_y: float

    @classmethod
    def around(cls, box: Box) -> "_Ellipse":
        length = math.hypot(box.width, box.height) / DIAGONAL  # of the face, however it is rolled
        reach = REACH * max(1, length / max(box.width, box.height))
        return cls(
            (box.x1 + box.x2) / 2,
            (box.y1 + box.y2) / 2,
            reach * max(box.width, MIN_ASPECT * box.height),
            reach * max(box.height, MIN_ASPECT * box.width),
        )

    @property
    def face_side(self) -> float:
        """About the width of the face, in pixels."""
        return min(self.radius_x, self.radius_y) / REACH

    def window(self, radii: float, shape: tuple[int, ...]) -> Window:
        """Return the part of an image that the ellipse, enlarged to so many radii, touches."""
        height, width = shape[:2]
        return (
            _span(self.y, radii * self.radius_y, height),
            _span(self.x, radii * self.radius_x, width),
        )

    def bands(self, window: Window) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield a few rows of a window at a time, and their pixels' distances in radii.

        Pieces that fit into a cache are faster, and the largest face takes no more memory.
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
    """Paint an ellipse and its soft edge, in place, with the colours made for their window."""
    rows, columns = ellipse.window(_PAINTED, colours.shape)
    for band, distances in ellipse.bands((rows, columns)):
        paint = _as_float(fill[band.start - rows.start : band.stop - rows.start])
        under = _as_float(colours[band, columns])
        # OpenCV adds 1e-5 to the sum of the weights; next to 255 that is nothing in float32.
        weight = np.clip((_PAINTED - distances) * np.float32(255 / SOFT_EDGE), 0, 255)
        colours[band, columns] = np.rint(cv2.blendLinear(paint, under, weight, 255 - weight))


def _veil(colours: Colours, ellipse: _Ellipse, hidden: Mask) -> Colours:
    """Mix what is seen around the ellipse, and nothing that is hidden; grey where nothing is seen.

    The mixture is a normalised convolution (Knutsson and Westin, CVPR 1993) of a grid of samples.
    """
    window = ellipse.window(_SURROUNDINGS, colours.shape)
    samples = np.ix_(*(_spread(span) for span in window))
    unseen = hidden[samples]
    values = _as_float(colours[samples])
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
    """Return evenly spread places of a span."""
    size = span.stop - span.start
    count = min(_VEIL_SAMPLES, size)
    return np.asarray(span.start + (np.arange(count) + 0.5) * size / count, np.intp)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a Gaussian's sums, in which nothing is seen beyond the border."""
    blurred = cv2.GaussianBlur(values, (0, 0), _VEIL_SIGMA, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred, np.float32)


def _solid(colours: Colours, ellipse: _Ellipse, _hidden: Mask) -> Colours:
    """Paint black."""
    return np.zeros_like(colours[ellipse.window(_PAINTED, colours.shape)])


def _mosaic(colours: Colours, ellipse: _Ellipse, _hidden: Mask) -> Colours:
    """Paint square cells, each in the mean of its colours."""
    cell = max(ellipse.face_side / _MOSAIC_CELLS, _MIN_MOSAIC_CELL)
    region = colours[ellipse.window(_PAINTED, colours.shape)]
    return _resize(_shrink(region, cell), region, cv2.INTER_NEAREST)


def _blur(colours: Colours, ellipse: _Ellipse, _hidden: Mask) -> Colours:
    """Paint what a Gaussian leaves of the region; it works on a small copy."""
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
    """Return the means of cells of about so many pixels."""
    height, width = region.shape[:2]
    size = max(1, round(width / cell)), max(1, round(height / cell))
    return cv2.resize(region, size, interpolation=cv2.INTER_AREA)


def _resize(small: Colours, like: Colours, interpolation: int) -> Colours:
    height, width = like.shape[:2]
    return cv2.resize(small, (width, height), interpolation=interpolation)


def _as_float(colours: Colours) -> NDArray[np.float32]:
    return colours.astype(np.float32)


def _draw_lines(size: tuple[int, int], faces: Sequence[Face]) -> Mask:
    """Return the pixels to draw; a mask, for OpenCV writes text into no more than 8 bits."""
    width, height = size
    thickness = max(1, round(max(size) / 600))
    lines = np.zeros((height, width), np.uint8)
    for face in faces:
        left, top = round(face.box.x1), round(face.box.y1)
        right, bottom = round(face.box.x2), round(face.box.y2)
        cv2.rectangle(lines, (left, top), (right, bottom), 1, thickness)
        text, origin = f"{face.confidence:.2f}", (left, top - 2 * thickness)
        cv2.putText(lines, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thickness, 1, thickness)
    return lines.view(np.bool_)
