"""The detection network: what it sees in images of one shape.

Y. Xu et al., "CenterFace: joint face detection and alignment using face as point" (2019), with the
published weights. For every fourth pixel the network tells how much it looks like the centre of a
face, how large that face would be and where its five points would lie.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.vision.candidates import Candidates, Floats
from shared.vision.session import Session

_STRIDE = np.float32(4)  # pixels of the image from one cell of the maps to the next
_MULTIPLE = 32  # of pixels, that the network takes in each direction
_NEIGHBOURS = np.ones((3, 3), np.uint8)


class CenterFace:
    """The network; safe to use from many threads."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network: `images` to `heatmap`, `scale`, `offset` and `landmarks`."""
        self._session = session

    def find(self, images_bgr: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return the candidates in each image that score more than the threshold.

        Args:
            images_bgr: at least one, all of one shape (H, W, 3).
            threshold: 0..1.

        """
        heatmaps, scales, offsets, landmarks = self._session.run(
            ["heatmap", "scale", "offset", "landmarks"], {"images": _as_input(images_bgr)}
        )
        return [
            _decode(heatmaps[n, 0], scales[n], offsets[n], landmarks[n], threshold)
            for n in range(len(images_bgr))
        ]


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
    """Return the candidates at the peaks of the heatmap.

    The heatmap is of shape (H, W), the others (channels, H, W), where y comes before x.
    """
    peaks = (heatmap > threshold) & (heatmap >= cv2.dilate(heatmap, _NEIGHBOURS))
    cells_yx = np.argwhere(peaks).astype(np.float32)
    sizes = np.exp(scale[:, peaks].T) * _STRIDE
    corners = (cells_yx + offset[:, peaks].T + np.float32(0.5)) * _STRIDE - sizes * np.float32(0.5)
    in_box = landmarks[:, peaks].T.reshape(-1, 5, 2)
    points = in_box * sizes[:, np.newaxis] + corners[:, np.newaxis]
    return Candidates(
        boxes=np.concatenate([corners[:, ::-1], (corners + sizes)[:, ::-1]], axis=1),
        scores=heatmap[peaks],
        landmarks=points[:, :, ::-1],
        seen_heights=sizes[:, 0],
    )
