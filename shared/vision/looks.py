"""Looking at a whole photo with the detection network: at a scale, in bands, and turned.

The network knows faces of 10 to 300 pixels, and its time goes with the pixels that it is shown.
"""

import math

import cv2
import numpy as np

from shared.vision.candidates import Candidates, Floats, concatenate
from shared.vision.resizing import Image, count_pixels, longer_side, resize, scale_between
from shared.vision.yunet import YuNet

FULL_HD = 1920 * 1088  # pixels

_MAX_SIDE = 8192  # pixels that the network is shown in one direction
_SMALL_PHOTO = 320  # pixels of the longer side that smaller photos are enlarged to,
_MAX_ENLARGEMENT = 3.0  # but not by more than this
_OVERVIEW_SIDES = (160, 320)  # pixels of the longer side of an overview; the largest under a half
_MAX_FACE_SIDE = 256  # pixels in what the network is shown; larger ones show in the overview,
_MIN_OVERVIEW_SIDE = 200  # and those from this size on: its boxes and points are less exact
_BAND_OVERLAP = 128  # pixels that neighbouring bands share; larger faces show in the overview


def look(network: YuNet, photo: Image, max_pixels: int, threshold: float) -> Candidates:
    """Return what a photo shows at a scale, and faces that fill it.

    Args:
        network: what looks.
        photo: shape (H, W, 3).
        max_pixels: that the network is shown; a larger photo is shrunk to them.
        threshold: the least score, 0..1.
    """
    zoomed = resize(photo, _zoom(photo, max_pixels))
    side = longer_side(zoomed)
    overview_side = max(n for n in _OVERVIEW_SIDES if n <= side / 2 or n == _OVERVIEW_SIDES[0])
    overview = resize(zoomed, min(1.0, overview_side / side))
    (large,) = network.infer([overview], threshold)
    near = _look_in_bands(network, zoomed, threshold)
    near = near.take(near.sizes.max(axis=1) <= _MAX_FACE_SIDE)
    large = large.mapped(scale_between(overview, zoomed), (0, 0))
    large = large.take(large.sizes.max(axis=1) >= _MIN_OVERVIEW_SIDE)
    found = concatenate([near, large])
    return found.mapped(scale_between(zoomed, photo), (0, 0))


def look_turned(network: YuNet, photo: Image, max_pixels: int, threshold: float) -> Candidates:
    """Return what a photo shows when it is turned by a quarter, counterclockwise; see `look`."""
    zoomed = resize(photo, min(1.0, _zoom(photo, max_pixels)))
    turned = np.asarray(cv2.rotate(zoomed, cv2.ROTATE_90_COUNTERCLOCKWISE), np.uint8)
    seen = look(network, turned, max_pixels, threshold)
    return _turn_back(seen, zoomed.shape[1]).mapped(scale_between(zoomed, photo), (0, 0))


def _look_in_bands(network: YuNet, image: Image, threshold: float) -> Candidates:
    """Return what an image shows; a large one is cut into bands, which bounds the memory."""
    height, width = image.shape[:2]
    max_band = max(2 * _BAND_OVERLAP, FULL_HD // width)
    count = max(1, math.ceil((height - _BAND_OVERLAP) / (max_band - _BAND_OVERLAP)))
    band = math.ceil((height + (count - 1) * _BAND_OVERLAP) / count)
    found = []
    for number in range(count):
        top = min(number * (band - _BAND_OVERLAP), height - band)
        (seen,) = network.infer([image[top : top + band]], threshold)
        is_whole = (seen.boxes[:, 1] > 0) | (top == 0)
        is_whole &= (seen.boxes[:, 3] < band) | (top + band == height)
        found.append(seen.take(is_whole).mapped((1, 1), (0, top)))
    return concatenate(found)


def _zoom(photo: Image, max_pixels: int) -> float:
    """Return the scale at which a whole photo is looked at."""
    longer = longer_side(photo)
    if longer < _SMALL_PHOTO:
        return min(_MAX_ENLARGEMENT, _SMALL_PHOTO / longer)
    return min(1.0, math.sqrt(max_pixels / count_pixels(photo)), _MAX_SIDE / longer)


def _turn_back(candidates: Candidates, width: int) -> Candidates:
    """Return what was found in an image turned by a quarter, in the frame of the unturned one.

    Args:
        candidates: in the frame of the turned image.
        width: of the unturned image, in pixels.
    """

    def back(points: Floats) -> Floats:
        return np.stack([width - points[..., 1], points[..., 0]], axis=-1)

    corners = np.stack([back(candidates.boxes[:, :2]), back(candidates.boxes[:, 2:])])
    boxes = np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1)
    return Candidates(boxes, candidates.scores, back(candidates.landmarks))
