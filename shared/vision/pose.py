"""Where heads point, from the detector's five points.

The points are those of a rigid head seen from far away, so a perspective-n-point solver finds how
it is turned. A face that is tilted in the image spoils the detector's points; each is therefore
looked at again, turned upright by the first points, and once more in a mirror, because the network
sees the two sides of a face a little differently.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.core.models import Face, Photo, Pose
from shared.vision.alignment import DETECTED_IN_CHIP, fit_similarities
from shared.vision.candidates import Candidates
from shared.vision.centerface import CenterFace

Floats = NDArray[np.float64]

_SIDE = 128  # pixels of an upright crop
_SCALE = 0.6  # of the face in it, relative to the embedder's chip
_IN_CROP: Floats = (DETECTED_IN_CHIP - DETECTED_IN_CHIP.mean(axis=0)) * _SCALE + _SIDE / 2
_LEAST_SCORE = 0.2
_FARTHEST = 0.15  # of the side, that the points of the second look may be from those of the first
_AT_ONCE = 20  # faces
_MIRRORED_ORDER = [1, 0, 2, 4, 3]

# A head in millimetres, x to the image's right, y down, z away; the nose is the origin.
_HEAD: Floats = np.array(
    [
        (-31.5, -35.4, 28.0),
        (31.5, -35.4, 28.0),
        (0.0, 0.0, 0.0),
        (-27.3, 24.6, 22.0),
        (27.3, 24.6, 22.0),
    ]
)
_CAMERA: Floats = np.diag((2000.0, 2000.0, 1.0))  # so long a lens that perspective hardly shows


class FivePointPoseEstimator:
    """Fills the port `PoseEstimator`."""

    def __init__(self, network: CenterFace) -> None:
        """Take the detection network."""
        self._network = network

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face.

        In a photo that is turned by 30 degrees the yaw changes by 1.5 degrees and the roll is off
        by 0.6 (medians; 4.5 and 2 in the worst twentieth). Pitch is weak: five points hardly tell a
        raised head from a long nose.
        """
        poses: list[Pose] = []
        for start in range(0, len(faces), _AT_ONCE):
            landmarks = np.array([face.landmarks for face in faces[start : start + _AT_ONCE]])
            poses += self._estimate(photo.upright_bgr, landmarks)
        return tuple(poses)

    def _estimate(self, image_bgr: NDArray[np.uint8], landmarks: Floats) -> list[Pose]:
        to_image = fit_similarities(_IN_CROP, landmarks)
        crops = [_cut(image_bgr, matrix) for matrix in to_image]
        mirrored = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
        seen = self._network.find(crops + mirrored, _LEAST_SCORE)
        poses = []
        for number, (matrix, points) in enumerate(zip(to_image, landmarks, strict=True)):
            first = _into_crop(matrix, points)
            plain = _choose(seen[number], first)
            in_mirror = _mirror(_choose(seen[number + len(crops)], _mirror(first)))
            poses.append(_solve((plain + in_mirror) / 2, _turn(matrix)))
        return poses


def _cut(image_bgr: NDArray[np.uint8], to_image: Floats) -> NDArray[np.uint8]:
    crop = cv2.warpAffine(
        image_bgr, to_image, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return np.asarray(crop, np.uint8)


def _into_crop(to_image: Floats, points: Floats) -> Floats:
    inside: Floats = np.asarray(
        np.linalg.solve(to_image[:, :2], (points - to_image[:, 2]).T).T, np.float64
    )
    return inside


def _mirror(points: Floats) -> Floats:
    """Return the five points of a mirrored crop: left and right change their names, too."""
    return (points * (-1, 1) + (_SIDE - 1, 0))[_MIRRORED_ORDER]


def _choose(candidates: Candidates, first: Floats) -> Floats:
    """Return the five points of the best candidate near the first look's, or else those."""
    offsets = np.abs(candidates.landmarks - first).mean(axis=(1, 2))
    near = candidates.take(offsets < _FARTHEST * _SIDE)
    return near.landmarks[near.scores.argmax()].astype(np.float64) if len(near) else first


def _turn(to_image: Floats) -> float:
    """Return the angle by which a crop is turned in the photo, in degrees, clockwise."""
    return float(np.degrees(np.arctan2(to_image[1, 0], to_image[0, 0])))


def _solve(points: Floats, turn: float) -> Pose:
    """Return the pose of five points that were turned back by an angle."""
    centred = points - points[2]
    _, rotation, _ = cv2.solvePnP(_HEAD, centred, _CAMERA, None, flags=cv2.SOLVEPNP_SQPNP)
    matrix = cv2.Rodrigues(rotation)[0]
    right, ahead = matrix[:, 0], -matrix[:, 2]
    roll = turn + float(np.degrees(np.arctan2(right[1], right[0])))
    return Pose(
        yaw=float(np.degrees(np.arctan2(ahead[0], -ahead[2]))),
        pitch=float(np.degrees(np.arcsin(-ahead[1]))),
        roll=(roll + 180) % 360 - 180,
    )
