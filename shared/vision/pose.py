"""Where heads point, from the points of Face Mesh."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core.photos.models import Face, Photo, Pose
from shared.vision.face_mesh import CHIN, FOREHEAD, LEFT_EAR, RIGHT_EAR, FaceMesh

# The line from forehead to chin leans by so many degrees in a head that looks into the camera: the
# median of 999 press photos.
LEAN = 6.0
_MIN_LOGIT = 0.0  # of a face that can be judged


class MeshPoseEstimator:
    """Implements `PoseEstimator`."""

    def __init__(self, mesh: FaceMesh) -> None:
        """Take the network."""
        self._mesh = mesh

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face; what does not look like a face from near has no certain one."""
        if not faces:
            return ()
        boxes = np.array([(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in faces], np.float64)
        landmarks = np.array([face.landmarks for face in faces], np.float64)
        meshes = self._mesh.look(photo.upright_bgr, boxes, landmarks)
        seen = zip(meshes.points, meshes.turns, meshes.logits, strict=True)
        return tuple(
            solve(points.astype(np.float64), float(turn), is_certain=bool(logit > _MIN_LOGIT))
            for points, turn, logit in seen
        )


def solve(points: NDArray[np.float64], turn: float, *, is_certain: bool) -> Pose:
    """Return the pose of a head, which is not certain where its points have no shape.

    Args:
        points: of Face Mesh, shape (468, 3): x to the right, y down, z away from the viewer.
        turn: by how much their frame is turned in the photo, in degrees, clockwise.
        is_certain: whether they are those of a face.
    """
    right = points[RIGHT_EAR] - points[LEFT_EAR]
    behind = np.cross(right, points[CHIN] - points[FOREHEAD])
    length = float(np.linalg.norm(behind))
    if not length > 0:  # nor a number
        return Pose(yaw=0.0, pitch=0.0, roll=0.0, is_certain=False)
    behind = behind / length
    yaw = np.degrees(np.arctan2(-behind[0], behind[2]))
    pitch = np.degrees(np.arcsin(np.clip(behind[1], -1, 1))) + LEAN
    roll = turn + np.degrees(np.arctan2(right[1], right[0]))
    return Pose(float(yaw), float(pitch), float((roll + 180) % 360 - 180), is_certain)
