"""468 points on each face, and whether it is a face at all.

Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs" (2019),
with MediaPipe's weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.vision.alignment import Floats, cut_square, fit_similarities, turns_of
from shared.vision.session import Device, Session

_SIDE = 192  # pixels of a crop
_MARGIN = 1.5  # times the longer side of the face's box

# On a CPU each crop of several takes longer than one alone.
_AT_ONCE: dict[Device, int] = {"cpu": 1, "cuda": 64}

UPRIGHT_POINTS: Floats = np.array([(-1, -1), (1, -1), (0, 0.1), (-0.85, 0.95), (0.85, 0.95)])
"""The five points of `shared.core.models.Face` in an upright face, in no particular unit."""

LEFT_EAR, RIGHT_EAR, FOREHEAD, CHIN = 234, 454, 10, 152
"""Points of the mesh; left and right are those of the image."""

# The five points of a face, each between two of the mesh: eyes lie between their corners.
_LANDMARKS = ((33, 133), (362, 263), (1, 1), (61, 61), (291, 291))


@dataclass(frozen=True, slots=True, eq=False)
class Meshes:
    """What was seen of N faces.

    Attributes:
        points: x, y and z of 468 points, in an upright frame of the face's own: x to the right, y
            down, z away from the viewer, in pixels of the crop; shape (N, 468, 3).
        logits: that it is a face; true ones of 24 pixels and more mostly have over 10, what is no
            face less than 0; shape (N,).
        to_image: the similarities from the frames to the photo, shape (N, 2, 3).
    """

    points: NDArray[np.float32]
    logits: NDArray[np.float32]
    to_image: Floats

    @property
    def turns(self) -> Floats:
        """By how much the frames are turned in the photo, in degrees, clockwise; shape (N,)."""
        return turns_of(self.to_image)

    @property
    def landmarks(self) -> Floats:
        """The five points of `shared.core.models.Face` in the photo, shape (N, 5, 2)."""
        five = self.points[:, _LANDMARKS, :2].mean(axis=2)
        turned = five @ self.to_image[:, :, :2].transpose(0, 2, 1)
        landmarks: Floats = turned + self.to_image[:, np.newaxis, :, 2]
        return landmarks


class FaceMesh:
    """The network; safe to use from many threads."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network: `crops` to `points` and `logits`."""
        self._session = session

    def look(self, image_bgr: NDArray[np.uint8], boxes: Floats, landmarks: Floats) -> Meshes:
        """Look at faces of a photo.

        Args:
            image_bgr: the photo, shape (H, W, 3).
            boxes: x1, y1, x2, y2 of N faces in the photo, in pixels, shape (N, 4).
            landmarks: their five points, shape (N, 5, 2).
        """
        to_image = _crops(boxes, landmarks)
        crops = [cut_square(image_bgr, matrix, _SIDE) for matrix in to_image]
        points, logits = [np.empty((0, 1404), np.float32)], [np.empty((0, 1), np.float32)]
        step = _AT_ONCE[self._session.device]
        for start in range(0, len(crops), step):
            seen = self._session.run(
                ["points", "logits"], {"crops": _as_input(crops[start : start + step])}
            )
            points.append(seen[0])
            logits.append(seen[1])
        return Meshes(
            points=np.concatenate(points).reshape(-1, 468, 3),
            logits=np.concatenate(logits)[:, 0],
            to_image=to_image,
        )


def _crops(boxes: Floats, landmarks: Floats) -> Floats:
    """Return the similarities from an upright square around each face to the photo, (N, 2, 3)."""
    turned = fit_similarities(UPRIGHT_POINTS, landmarks)[:, :, :2]
    lengths = np.maximum(np.hypot(turned[:, 0, 0], turned[:, 1, 0]), 1e-9)
    sides = _MARGIN * (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    turned = turned * (sides / _SIDE / lengths)[:, np.newaxis, np.newaxis]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    shifts = centres - turned @ np.full(2, (_SIDE - 1) / 2)
    return np.concatenate([turned, shifts[:, :, np.newaxis]], axis=2)


def _as_input(crops_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return crops as the network takes them: bytes (N, 3, H, W)."""
    return np.ascontiguousarray(np.stack(crops_bgr).transpose(0, 3, 1, 2))
