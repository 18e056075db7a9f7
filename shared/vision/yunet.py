"""The detection network: what it sees in images of one shape.

W. Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023), with the weights of OpenCV's
model zoo. For every cell of 8, 16 and 32 pixels the network tells how much it looks like a face,
where that face's box would be and where its five points.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.vision.candidates import Candidates, Floats, concatenate
from shared.vision.session import Session

_STRIDES = (8, 16, 32)  # pixels of the image from one cell of a map to the next
_MULTIPLE = 32  # of pixels, that the network takes in each direction
_MAX = 8.0  # logarithm of a size in cells: what nothing in a photo exceeds


class YuNet:
    """The network; safe to use from many threads."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network: `images` to `maps_8`, `maps_16` and `maps_32`."""
        self._session = session

    def infer(self, images_bgr: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return the candidates in each image that score at least the threshold, several a face.

        Args:
            images_bgr: any number, all of one shape (H, W, 3).
            threshold: 0..1, exclusive.
        """
        if not images_bgr:
            return []
        names = [f"maps_{stride}" for stride in _STRIDES]
        maps = self._session.run(names, {"images": _as_input(images_bgr)})
        return [
            concatenate(
                [
                    _decode(each[number], stride, threshold)
                    for each, stride in zip(maps, _STRIDES, strict=True)
                ]
            )
            for number in range(len(images_bgr))
        ]


def _as_input(images_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the images as planes, (N, 3, H, W), black beyond the right and the lower edge."""
    height, width = images_bgr[0].shape[:2]
    batch = np.empty((len(images_bgr), 3, _round_up(height), _round_up(width)), np.uint8)
    batch[:, :, height:] = 0
    batch[:, :, :, width:] = 0
    for image_bgr, planes in zip(images_bgr, batch, strict=True):
        cv2.split(image_bgr, [plane[:height, :width] for plane in planes])
    return batch


def _round_up(pixels: int) -> int:
    return -(-pixels // _MULTIPLE) * _MULTIPLE


def _decode(maps: Floats, stride: int, threshold: float) -> Candidates:
    """Return the candidates of the cells of one stride.

    Args:
        maps: shape (16, h, w): the logits of a face and of an object; centre and logarithms of the
            size of the box; x and y of five points. Places count in cells, from the cell's own.
        stride: pixels from one cell to the next.
        threshold: the least score, which is the geometric mean of the two probabilities.
    """
    # that each of the two logits needs; the square of a tiny threshold would be nought
    least = 2 * math.log(threshold) - math.log1p(-(threshold**2))
    rows, columns = np.nonzero(np.minimum(maps[0], maps[1]) >= least)
    cells = maps[:, rows, columns].T
    scores = np.sqrt(1 / ((1 + np.exp(-cells[:, 0])) * (1 + np.exp(-cells[:, 1]))))
    which = scores >= threshold
    cells, corners = cells[which], np.stack([columns, rows], axis=1)[which].astype(np.float32)
    centres = (corners + cells[:, 2:4]) * stride
    halves = np.exp(np.minimum(cells[:, 4:6], _MAX)) * (stride / 2)
    return Candidates(
        boxes=np.concatenate([centres - halves, centres + halves], axis=1),
        scores=scores[which],
        landmarks=(corners[:, np.newaxis] + cells[:, 6:].reshape(-1, 5, 2)) * stride,
    )
