"""The detection network: what it sees in images of one shape.

Y. Xu et al., "CenterFace: joint face detection and alignment using face as point" (2019), with the
published weights. For every fourth pixel the network tells how much it looks like the middle of a
face, how large that face would be and where its five points would lie.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.vision.candidates import Candidates, Floats
from shared.vision.session import Session

_STRIDE = 4  # pixels of the image from one cell of the maps to the next
_MULTIPLE = 32  # of pixels, that the network takes in each direction
_NEIGHBOURS = np.ones((3, 3), np.uint8)


class CenterFace:
    """The network; safe to use from many threads."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network: `images` to `heatmap`, `scale`, `offset` and `landmarks`."""
        self._session = session

    def find(self, images_bgr: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return the candidates of each image that score more than the threshold.

        One face may give several candidates.

        Args:
            images_bgr: at least one, all of one shape (H, W, 3).
            threshold: 0..1.

        """
        inputs = {"images": _as_input(images_bgr)}
        maps = self._session.run(["heatmap", "scale", "offset", "landmarks"], inputs)
        return [_decode(*maps_of_one, threshold) for maps_of_one in zip(*maps, strict=True)]


def _as_input(images_bgr: Sequence[NDArray[np.uint8]]) -> Floats:
    """Return the images as the network takes them: RGB, black beyond the right and lower edge."""
    height, width = images_bgr[0].shape[:2]
    batch = np.zeros((len(images_bgr), 3, _round_up(height), _round_up(width)), np.float32)
    for image_bgr, planes_rgb in zip(images_bgr, batch, strict=True):
        planes_rgb[:, :height, :width] = image_bgr.transpose(2, 0, 1)[::-1]
    return batch


def _round_up(pixels: int) -> int:
    return -(-pixels // _MULTIPLE) * _MULTIPLE


def _decode(
    heatmap: Floats, scale: Floats, offset: Floats, landmarks: Floats, threshold: float
) -> Candidates:
    """Return the candidates at the peaks of the heatmap; the maps are (channels, H, W).

    The network speaks of y before x throughout.
    """
    heat = heatmap[0]
    peaks = (heat > threshold) & (heat >= cv2.dilate(heat, _NEIGHBOURS))
    cells = np.stack(np.nonzero(peaks), axis=1)
    sizes = np.exp(scale[:, peaks].T) * np.float32(_STRIDE)
    middles = (cells + offset[:, peaks].T + np.float32(0.5)) * np.float32(_STRIDE)
    corners = middles - sizes / 2
    points = landmarks[:, peaks].T.reshape(-1, 5, 2) * sizes[:, np.newaxis] + corners[:, np.newaxis]
    boxes = np.concatenate([corners[:, ::-1], (corners + sizes)[:, ::-1]], axis=1)
    return Candidates(
        boxes.astype(np.float32), heat[peaks], points[:, :, ::-1].astype(np.float32), sizes[:, 0]
    )
