"""Says where heads point, by the five points that the detection network finds on each face.

The network draws the points of a face that is turned in the image's plane as if it were upright. So
each face is turned upright by its points and looked at again, twice: yaw and roll then change by a
degree or so when a photo is turned, up to 75 degrees; from 100 on they mean nothing. Pitch is weak:
five points hardly tell a raised head from a long nose.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core.models import Face, Photo, Pose
from shared.vision.alignment import CHIP_SIDE, DETECTED_IN_CHIP, Floats, cut_chip, fit_similarities
from shared.vision.candidates import Candidates
from shared.vision.centerface import CenterFace
from shared.vision.session import Session

# Eyes, nose and mouth corners of a level face in millimetres: x to the image's right, y downwards,
# z away from the camera, the tip of the nose at the origin.
_MODEL = np.array(
    [(-31.5, -35.4, 28.0), (31.5, -35.4, 28.0), (0, 0, 0), (-27.3, 24.6, 22.0), (27.3, 24.6, 22.0)]
)
_FROM_POINTS = np.linalg.pinv(_MODEL - _MODEL.mean(axis=0))
_LEVEL_PITCH = 4.7  # degrees; the model's median pitch for people who face a camera

_LOOKS = 2
_SURROUNDINGS = 1.5  # times the embedder's chip, that is shown around a face
_FACES_AT_ONCE = 16
_FAINTEST = 0.05  # the score of what is still taken for the face
_OFF_CENTRE = CHIP_SIDE / 4  # pixels; what lies further off is another face


class CenterFacePoseEstimator:
    """Fills the port `PoseEstimator`."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network `centerface`."""
        self._network = CenterFace(session)

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face."""
        poses: list[Pose] = []
        for start in range(0, len(faces), _FACES_AT_ONCE):
            points = np.array([face.landmarks for face in faces[start : start + _FACES_AT_ONCE]])
            for _ in range(_LOOKS):
                points = self._look_upright(photo.upright_bgr, points)
            poses.extend(map(pose_of, points))
        return tuple(poses)

    def _look_upright(self, image_bgr: NDArray[np.uint8], points: Floats) -> Floats:
        """Return the points of faces, shape (N, 5, 2), as found once they are turned upright."""
        to_image = fit_similarities(DETECTED_IN_CHIP, points)
        middle = np.full(2, CHIP_SIDE / 2)
        to_image[:, :, 2] += (to_image[:, :, :2] @ middle) * (1 - _SURROUNDINGS)
        to_image[:, :, :2] *= _SURROUNDINGS
        chips = [cut_chip(image_bgr, matrix) for matrix in to_image]
        seen = self._network.find(chips, _FAINTEST)
        found = [_central(candidates) for candidates in seen]
        return np.stack(
            [
                old if new is None else new @ matrix[:, :2].T + matrix[:, 2]
                for old, new, matrix in zip(points, found, to_image, strict=True)
            ]
        )


def pose_of(points: Floats) -> Pose:
    """Return the pose of a face by five points of it.

    The model is turned, scaled and moved onto the points by least squares, as if seen from far away:
    D. DeMenthon and L. Davis, "Model-based object pose in 25 lines of code" (1995), first step.

    Args:
        points: in the order of `shared.core.models.Face`, shape (5, 2).

    """
    projection = (_FROM_POINTS @ (points - points.mean(axis=0))).T
    left, _, right = np.linalg.svd(projection, full_matrices=False)
    x_axis, y_axis = left @ right
    z_axis = np.cross(x_axis, y_axis)
    return Pose(
        yaw=math.degrees(math.asin(np.clip(z_axis[0], -1, 1))),
        pitch=math.degrees(-math.atan2(z_axis[1], z_axis[2])) - _LEVEL_PITCH,
        roll=math.degrees(math.atan2(y_axis[0], x_axis[0])),
    )


def _central(candidates: Candidates) -> Floats | None:
    """Return the points of the face in the middle of a chip, if there is one."""
    off_centre = np.abs(candidates.centres - CHIP_SIDE / 2).max(axis=1)
    central = candidates.take(off_centre <= _OFF_CENTRE)
    if not len(central):
        return None
    return np.asarray(central.landmarks[central.scores.argmax()], np.float64)
