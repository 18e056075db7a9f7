"""Where heads point: the signs, on real photos."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.app import App
from shared.core.models import DetectionScale, Face, ImageFormat, Photo, Pose
from tests import photos


def photo_of(pixels: NDArray[Any]) -> Photo:
    image = np.ascontiguousarray(pixels, np.uint8)
    return Photo(image, image, 1, has_orientation=False, format=ImageFormat.PNG, quality=None)


def pixels_of(name: str) -> NDArray[np.uint8]:
    data = photos.astronaut_jpeg() if name == "astronaut" else photos.load(name)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def faces_of(app: App, photo: Photo) -> tuple[Face, ...]:
    return app.detector.detect(photo, scale=DetectionScale.RECOGNITION)[:1]


def pose_of(app: App, pixels: NDArray[Any]) -> Pose:
    photo = photo_of(pixels)
    (pose,) = app.poses.estimate(photo, faces_of(app, photo))
    return pose


def turned(pixels: NDArray[Any], clockwise: float) -> NDArray[Any]:
    """Return the photo turned clockwise by an angle, on a canvas that holds all of it."""
    height, width = pixels.shape[:2]
    side = int(np.hypot(height, width))
    matrix: NDArray[Any] = cv2.getRotationMatrix2D((width / 2, height / 2), -clockwise, 1)
    matrix[:, 2] += np.array([side - width, side - height]) / 2
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side)))


NAMES = ["astronaut", "obama.jpg", "biden.jpg", "obama2.jpg"]


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_face_points_the_other_way(app: App, name: str) -> None:
    pixels = pixels_of(name)
    pose, mirrored = pose_of(app, pixels), pose_of(app, cv2.flip(pixels, 1))
    assert mirrored.yaw == pytest.approx(-pose.yaw, abs=5)
    assert mirrored.roll == pytest.approx(-pose.roll, abs=4)
    assert mirrored.pitch == pytest.approx(pose.pitch, abs=3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("angle", [-40, -15, 15, 40])
def test_roll_is_clockwise(app: App, name: str, angle: int) -> None:
    pixels = pixels_of(name)
    before, after = pose_of(app, pixels), pose_of(app, turned(pixels, angle))
    assert after.roll - before.roll == pytest.approx(angle, abs=4)
    assert after.yaw == pytest.approx(before.yaw, abs=7)


def test_yaw_is_towards_the_images_right(app: App) -> None:
    pixels = pixels_of("obama2.jpg")  # he looks towards the left of the photo
    assert -40 < pose_of(app, pixels).yaw < -10
    assert 10 < pose_of(app, cv2.flip(pixels, 1)).yaw < 40


def test_a_face_squeezed_towards_its_chin_looks_down(app: App) -> None:
    """Landmarks are moved as a lowered head moves them: eyes and mouth down, against the nose."""
    photo = photo_of(pixels_of("obama.jpg"))
    blank = photo_of(np.zeros_like(photo.stored))  # the second look sees nothing, the first counts
    (face,) = faces_of(app, photo)
    points = np.array(face.landmarks)

    def pitch_with_nose_moved(pixels: float) -> float:
        moved = points.copy()
        moved[2, 1] += pixels
        landmarks = tuple((float(x), float(y)) for x, y in moved)
        changed = Face(face.box, face.confidence, landmarks)  # type: ignore[arg-type]
        (pose,) = app.poses.estimate(blank, [changed])
        return pose.pitch

    up, level, down = (pitch_with_nose_moved(pixels) for pixels in (-25, 0, 25))
    assert up > level + 5
    assert down < level - 5


def test_no_faces_have_no_poses(app: App) -> None:
    assert app.poses.estimate(photo_of(pixels_of("astronaut")), []) == ()


def test_faces_together_are_as_faces_alone(app: App) -> None:
    photo = photo_of(np.hstack([pixels_of("obama.jpg")[:600, :600], pixels_of("biden.jpg")[:600]]))
    faces = app.detector.detect(photo, scale=DetectionScale.RECOGNITION)
    assert len(faces) == 2
    together = app.poses.estimate(photo, faces)
    for face, pose in zip(faces, together, strict=True):
        (alone,) = app.poses.estimate(photo, [face])
        assert (alone.yaw, alone.pitch, alone.roll) == pytest.approx(
            (pose.yaw, pose.pitch, pose.roll), abs=0.5
        )


def test_a_face_at_the_rim_has_a_pose(app: App) -> None:
    pixels = pixels_of("astronaut")[60:, 150:]
    pose = pose_of(app, pixels)
    assert abs(pose.roll) < 30
