"""The detection network YuNet: from images to detections.

Source: W. Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023), with the weights of
OpenCV's model zoo. For every cell of 8, 16 and 32 pixels the network predicts whether a face is
centred there, and that face's box and five landmarks.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.vision.detections import Detections, Floats, concatenate
from shared.vision.session import Session

_STRIDES = (8, 16, 32)  # pixels from one cell of an output map to the next
_MULTIPLE = 32  # the sides of the network's input are multiples of this many pixels
_MAX_LOG_SIZE = 8.0  # of a box, in cells; no photo has a larger one, and exp() must not overflow


class YuNet:
    """The network; it can be used from several threads."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network: `images` to `maps_8`, `maps_16` and `maps_32`."""
        self._session = session

    def infer(self, images_bgr: Sequence[NDArray[np.uint8]], threshold: float) -> list[Detections]:
        """Return the detections in each image, several per face, in its pixels.

        Args:
            images_bgr: any number of images of one shape (H, W, 3).
            threshold: the lowest score, between 0 and 1, both exclusive.
        """
        if not images_bgr:
            return []
        names = [f"maps_{stride}" for stride in _STRIDES]
        maps = self._session.run(names, {"images": _as_input(images_bgr)})
        return [
            concatenate(
                [_decode(*each, threshold) for each in zip(of_image, _STRIDES, strict=True)]
            )
            for of_image in zip(*maps, strict=True)
        ]


def _as_input(images_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the images as (N, 3, H, W), with black padding on the right and at the bottom."""
    height, width = images_bgr[0].shape[:2]
    padded = height + -height % _MULTIPLE, width + -width % _MULTIPLE
    batch = np.empty((len(images_bgr), 3, *padded), np.uint8)
    batch[:, :, height:] = 0
    batch[:, :, :, width:] = 0
    for image_bgr, planes in zip(images_bgr, batch, strict=True):
        cv2.split(image_bgr, [plane[:height, :width] for plane in planes])
    return batch


def _decode(maps: Floats, stride: int, threshold: float) -> Detections:
    """Return the detections of the cells of one stride.

    Args:
        maps: shape (16, h, w): the logits of a face and of an object, x and y of the box's centre,
            logarithms of its width and height, x and y of five landmarks. The unit is a cell, and
            positions are relative to their own cell.
        stride: pixels from one cell to the next.
        threshold: the lowest score; a score is the geometric mean of the two probabilities.
    """
    # Both logits must reach this; the square of a tiny threshold would underflow to 0.
    min_logit = 2 * math.log(threshold) - math.log1p(-(threshold**2))
    rows, columns = np.nonzero(np.minimum(maps[0], maps[1]) >= min_logit)
    cells = maps[:, rows, columns].T
    scores = np.sqrt(1 / ((1 + np.exp(-cells[:, 0])) * (1 + np.exp(-cells[:, 1]))))
    which = scores >= threshold
    cells, corners = cells[which], np.stack([columns, rows], axis=1)[which].astype(np.float32)
    centres = (corners + cells[:, 2:4]) * stride
    halves = np.exp(np.minimum(cells[:, 4:6], _MAX_LOG_SIZE)) * (stride / 2)
    return Detections(
        boxes=np.concatenate([centres - halves, centres + halves], axis=1),
        scores=scores[which],
        landmarks=(corners[:, np.newaxis] + cells[:, 6:].reshape(-1, 5, 2)) * stride,
    )
