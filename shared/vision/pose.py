"""The pose of a head, computed from the points of Face Mesh."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.photos.models import Face, Photo, Pose
from shared.core.photos.ports import PoseEstimator
from shared.vision.face_mesh import CHIN, FOREHEAD, LEFT_EAR, RIGHT_EAR, FaceMesh

PITCH_OFFSET = 6.0
"""Added to the pitch, in degrees: the line from forehead to chin of a head that faces the camera is
not vertical. This is its median over 999 press photos."""

_MIN_LOGIT = 0.0  # Face Mesh takes the close-up for a face


class MeshPoseEstimator(PoseEstimator):
    """Estimates poses with Face Mesh; a pose is uncertain where Face Mesh does not see a face."""

    def __init__(self, mesh: FaceMesh) -> None:
        self._mesh = mesh

    @override
    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        if not faces:
            return ()
        boxes = np.array([(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in faces], np.float64)
        landmarks = np.array([face.landmarks for face in faces], np.float64)
        meshes = self._mesh.infer(photo.upright_bgr, boxes, landmarks)
        points, rotations = meshes.points.astype(np.float64), meshes.rotations.tolist()
        are_certain = (meshes.logits > _MIN_LOGIT).tolist()
        return tuple(
            compute_pose(of_face, rotation, is_certain=is_certain)
            for of_face, rotation, is_certain in zip(points, rotations, are_certain, strict=True)
        )


def compute_pose(points: NDArray[np.float64], rotation: float, *, is_certain: bool) -> Pose:
    """Return the pose of a head; it is uncertain if the points are degenerate or not finite.

    Args:
        points: of Face Mesh, shape (468, 3): x to the right, y down, z away from the viewer.
        rotation: the rotation of the crop in the photo, clockwise in degrees.
        is_certain: whether the points are those of a face.
    """
    right = points[RIGHT_EAR] - points[LEFT_EAR]
    backwards = np.cross(right, points[CHIN] - points[FOREHEAD])
    length = float(np.linalg.norm(backwards))
    if not length > 0:  # it may be NaN
        return Pose(yaw=0.0, pitch=0.0, roll=0.0, is_certain=False)
    backwards = backwards / length
    yaw = np.degrees(np.arctan2(-backwards[0], backwards[2]))
    pitch = np.degrees(np.arcsin(np.clip(backwards[1], -1, 1))) + PITCH_OFFSET
    roll = rotation + np.degrees(np.arctan2(right[1], right[0]))
    return Pose(float(yaw), float(pitch), float((roll + 180) % 360 - 180), is_certain)
