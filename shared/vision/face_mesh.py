"""Face Mesh: 468 points of each face, and a logit that says whether it is a face.

Source: Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs"
(2019), with MediaPipe's weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.vision import alignment
from shared.vision.alignment import Floats
from shared.vision.session import Device, Session

_SIDE = 192  # of a crop, in pixels
_MARGIN = 1.5  # the side of a crop, in longer sides of the face's box

# On a CPU, a crop takes longer in a batch than alone.
_BATCH_SIZES: dict[Device, int] = {"cpu": 1, "cuda": 64}

UPRIGHT_LANDMARKS: Floats = np.array([(-1, -1), (1, -1), (0, 0.1), (-0.85, 0.95), (0.85, 0.95)])
"""The five landmarks of `shared.core.photos.models.Face` in an upright face, in no particular unit;
shape (5, 2)."""

LEFT_EAR, RIGHT_EAR, FOREHEAD, CHIN = 234, 454, 10, 152
"""Points of the mesh; left and right are those of the image."""

# Each of the five landmarks lies midway between two points of the mesh: eyes between their corners.
_LANDMARKS = ((33, 133), (362, 263), (1, 1), (61, 61), (291, 291))


@dataclass(frozen=True, slots=True, eq=False)
class Meshes:
    """The meshes of N faces.

    Attributes:
        points: x, y and z of 468 points in pixels of an upright crop around the face: x to the
            right, y down, z away from the viewer; shape (N, 468, 3).
        logits: of being a face, shape (N,). Most faces of at least 24 pixels exceed 10; what is
            not a face is below 0.
        to_image: the similarities from the crops to the photo, shape (N, 2, 3).
    """

    points: NDArray[np.float32]
    logits: NDArray[np.float32]
    to_image: Floats

    @property
    def rotations(self) -> Floats:
        """The rotations of the crops in the photo, clockwise in degrees, shape (N,)."""
        return alignment.rotations_of(self.to_image)

    @property
    def landmarks(self) -> Floats:
        """The five landmarks of `shared.core.photos.models.Face` in the photo, shape (N, 5, 2)."""
        five = self.points[:, _LANDMARKS, :2].mean(axis=2)
        rotated = five @ self.to_image[:, :, :2].transpose(0, 2, 1)
        return np.asarray(rotated + self.to_image[:, np.newaxis, :, 2])


class FaceMesh:
    """The network; it can be used from several threads."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network: `crops` to `points` and `logits`."""
        self._session = session

    def infer(self, image_bgr: NDArray[np.uint8], boxes: Floats, landmarks: Floats) -> Meshes:
        """Return the meshes of faces in a photo.

        Args:
            image_bgr: the photo, shape (H, W, 3).
            boxes: x1, y1, x2, y2 of N faces in the photo's pixels, shape (N, 4).
            landmarks: their five landmarks, shape (N, 5, 2).
        """
        to_image = _crops(boxes, landmarks)
        crops = [alignment.crop_square(image_bgr, matrix, _SIDE) for matrix in to_image]
        outputs = [[np.empty((0, 1404), np.float32), np.empty((0, 1), np.float32)]]
        step = _BATCH_SIZES[self._session.device]
        for start in range(0, len(crops), step):
            batch = _as_input(crops[start : start + step])
            outputs.append(self._session.run(["points", "logits"], {"crops": batch}))
        points, logits = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
        return Meshes(points.reshape(-1, 468, 3), logits[:, 0], to_image)


def _crops(boxes: Floats, landmarks: Floats) -> Floats:
    """Return the similarities from an upright square around each face to the photo, (N, 2, 3)."""
    linear = alignment.fit_similarities(UPRIGHT_LANDMARKS, landmarks)[:, :, :2]
    lengths = np.maximum(np.hypot(linear[:, 0, 0], linear[:, 1, 0]), 1e-9)
    sides = _MARGIN * (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    linear = linear * (sides / _SIDE / lengths)[:, np.newaxis, np.newaxis]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return alignment.similarities_through(linear, np.full(2, (_SIDE - 1) / 2), centres)


def _as_input(crops_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return crops as the network's input (N, 3, H, W)."""
    return np.ascontiguousarray(np.stack(crops_bgr).transpose(0, 3, 1, 2))
