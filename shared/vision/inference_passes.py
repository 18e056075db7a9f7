"""Inference passes of the detection network over a whole photo: rescaled, in bands, rotated.

The network detects faces of 10 to 300 pixels. Its time is proportional to the pixels of its input.
"""

import math

import cv2
import numpy as np

from shared.vision.detections import Detections, Floats, concatenate
from shared.vision.resizing import Image, longer_side, resize, scale_between
from shared.vision.yunet import YuNet

FULL_HD = 1920 * 1088
"""The pixels of a Full HD photo, whose height is rounded up to a multiple of 32."""

_MAX_SIDE = 8192  # of the network's input, in pixels
_SMALL_SIDE = 320  # photos whose longer side is shorter are enlarged to this many pixels,
_MAX_ENLARGEMENT = 3.0  # but at most by this factor
_OVERVIEW_SIDE, _SMALL_OVERVIEW_SIDE = 320, 160  # the longer side of an overview, in pixels
_MAX_FACE_SIDE = 256  # larger detections of the rescaled photo are left to the overview
_MIN_OVERVIEW_FACE_SIDE = 200  # smaller detections of the overview are not precise enough
_BAND_OVERLAP = 128  # pixels that neighbouring bands share; larger faces are in the overview


def run_pass(network: YuNet, photo: Image, max_pixels: int, threshold: float) -> Detections:
    """Return what the network detects in a rescaled photo and in a small overview of it.

    Args:
        network: the detection network.
        photo: uint8 BGR, shape (H, W, 3).
        max_pixels: a photo with more pixels is shrunk to this number.
        threshold: the lowest score, 0..1.

    Returns:
        The detections in the photo's pixels, several per face.
    """
    rescaled = resize(photo, _zoom(photo, max_pixels))
    side = longer_side(rescaled)
    overview_side = _OVERVIEW_SIDE if side >= 2 * _OVERVIEW_SIDE else _SMALL_OVERVIEW_SIDE
    overview = resize(rescaled, min(1.0, overview_side / side))
    (large,) = network.infer([overview], threshold)
    large = large.mapped(scale_between(overview, rescaled))
    large = large.take(large.sizes.max(axis=1) >= _MIN_OVERVIEW_FACE_SIDE)
    small = _run_in_bands(network, rescaled, threshold)
    small = small.take(small.sizes.max(axis=1) <= _MAX_FACE_SIDE)
    return concatenate([small, large]).mapped(scale_between(rescaled, photo))


def run_rotated_pass(network: YuNet, photo: Image, max_pixels: int, threshold: float) -> Detections:
    """Return what `run_pass` detects in the photo rotated counterclockwise by a quarter turn.

    The photo is never enlarged. The detections are in the frame of the unrotated photo.
    """
    rescaled = resize(photo, min(1.0, _zoom(photo, max_pixels)))
    rotated = np.asarray(cv2.rotate(rescaled, cv2.ROTATE_90_COUNTERCLOCKWISE), np.uint8)
    found = run_pass(network, rotated, max_pixels, threshold)
    return _rotate_back(found, rescaled.shape[1]).mapped(scale_between(rescaled, photo))


def _run_in_bands(network: YuNet, image: Image, threshold: float) -> Detections:
    """Return the detections in an image; a large one is cut into bands, which limits the memory."""
    height, width = image.shape[:2]
    max_band = max(2 * _BAND_OVERLAP, FULL_HD // width)
    count = max(1, math.ceil((height - _BAND_OVERLAP) / (max_band - _BAND_OVERLAP)))
    band = math.ceil((height + (count - 1) * _BAND_OVERLAP) / count)
    parts = []
    for number in range(count):
        top = min(number * (band - _BAND_OVERLAP), height - band)
        (found,) = network.infer([image[top : top + band]], threshold)
        is_whole = (found.boxes[:, 1] > 0) | (top == 0)
        is_whole &= (found.boxes[:, 3] < band) | (top + band == height)
        parts.append(found.take(is_whole).mapped((1, 1), (0, top)))
    return concatenate(parts)


def _zoom(photo: Image, max_pixels: int) -> float:
    """Return the factor by which a photo is rescaled for the network."""
    longer = longer_side(photo)
    if longer < _SMALL_SIDE:
        return min(_MAX_ENLARGEMENT, _SMALL_SIDE / longer)
    return min(1.0, math.sqrt(max_pixels / math.prod(photo.shape[:2])), _MAX_SIDE / longer)


def _rotate_back(detections: Detections, width: int) -> Detections:
    """Return the detections of a rotated image in the frame of the image `width` pixels wide."""

    def back(points: Floats) -> Floats:
        return np.stack([width - points[..., 1], points[..., 0]], axis=-1)

    corners = np.stack([back(detections.boxes[:, :2]), back(detections.boxes[:, 2:])])
    boxes = np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1)
    return Detections(boxes, detections.scores, back(detections.landmarks))
