"""Poses of heads: signs and angles, on real photos."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.core.photos.models import DetectionProfile, Face, Photo, Pose
from shared.core.recognition.faces import is_frontal
from shared.vision.pose import PITCH_OFFSET, compute_pose


def faces_of(app: App, photo: Photo) -> tuple[Face, ...]:
    return app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[:1]


def pose_of(app: App, pixels: NDArray[Any]) -> Pose:
    photo = photos.decoded(pixels)
    (pose,) = app.poses.estimate(photo, faces_of(app, photo))
    return pose


NAMES = ["astronaut", "obama.jpg", "biden.jpg", "obama2.jpg"]


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_face_has_the_opposite_yaw(app: App, name: str) -> None:
    pixels = photos.pixels(name)
    pose, mirrored = pose_of(app, pixels), pose_of(app, cv2.flip(pixels, 1))
    assert mirrored.yaw == pytest.approx(-pose.yaw, abs=8)
    assert mirrored.roll == pytest.approx(-pose.roll, abs=4)
    assert mirrored.pitch == pytest.approx(pose.pitch, abs=3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("angle", [-40, -15, 15, 40])
def test_roll_is_clockwise(app: App, name: str, angle: int) -> None:
    pixels = photos.pixels(name)
    before, after = pose_of(app, pixels), pose_of(app, photos.turned(pixels, angle)[0])
    assert after.roll - before.roll == pytest.approx(angle, abs=4)
    assert after.yaw == pytest.approx(before.yaw, abs=7)


def test_yaw_is_positive_towards_the_right_of_the_image(app: App) -> None:
    pixels = photos.pixels("obama2.jpg")  # facing the left of the photo
    assert -40 < pose_of(app, pixels).yaw < -10
    assert 10 < pose_of(app, cv2.flip(pixels, 1)).yaw < 40


def head(yaw: float = 0, pitch: float = 0, roll: float = 0) -> NDArray[np.float64]:
    """Return those points of Face Mesh that a pose needs, for a head with these angles.

    x is to the right, y down, z away; the angles are those of `Pose`, in degrees, applied in the
    order roll, pitch, yaw.
    """
    points = np.zeros((468, 3))
    points[454], points[234] = (80, 0, 20), (-80, 0, 20)
    points[10], points[152] = (0, -90, 0), (0, 90, 0)
    turns = (roll, (0, 1)), (-pitch, (1, 2)), (-yaw, (2, 0))
    for angle, (first, second) in turns:
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        one, other = points[:, first].copy(), points[:, second].copy()
        points[:, first], points[:, second] = (
            cosine * one - sine * other,
            sine * one + cosine * other,
        )
    return points + 96


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (0, 25, 0), (0, -25, 0), (-40, 10, 20)])
def test_measures_the_rotation_of_a_head(
    angles: tuple[float, float, float],
) -> None:
    yaw, pitch, roll = angles
    found = compute_pose(head(yaw=yaw, pitch=pitch, roll=roll), 0.0, is_certain=True)
    assert found.yaw == pytest.approx(yaw, abs=0.1)
    assert found.pitch == pytest.approx(pitch + PITCH_OFFSET, abs=0.1)


def test_the_chin_of_a_raised_head_is_nearer_than_its_forehead() -> None:
    raised = head(pitch=25)
    assert raised[152, 2] < raised[10, 2]  # z is away from the viewer


@pytest.mark.parametrize("points", [np.zeros((468, 3)), np.full((468, 3), np.nan)])
def test_degenerate_points_have_an_uncertain_pose(points: NDArray[np.float64]) -> None:
    pose = compute_pose(points, 0.0, is_certain=True)
    assert not pose.is_certain
    assert np.isfinite([pose.yaw, pose.pitch, pose.roll]).all()


@pytest.mark.parametrize("angle", [90, 135, 180, 225, 270])
def test_a_face_at_any_rotation_has_a_pose(app: App, angle: int) -> None:
    """At 135 degrees, an earlier solver failed."""
    pose = pose_of(app, photos.turned(photos.pixels("astronaut"), angle)[0])
    assert np.isfinite([pose.yaw, pose.pitch, pose.roll]).all()


def test_other_things_have_an_uncertain_pose(app: App) -> None:
    photo = photos.decoded(photos.pixels("astronaut"))
    (face,) = faces_of(app, photo)
    blank = photos.decoded(np.zeros_like(photo.stored))
    (pose,) = app.poses.estimate(blank, [face])
    assert not pose.is_certain
    assert not is_frontal(pose)


def test_no_faces_give_no_poses(app: App) -> None:
    assert app.poses.estimate(photos.decoded(photos.pixels("astronaut")), []) == ()


def test_a_batch_gives_the_same_result_as_single_faces(app: App) -> None:
    photo = photos.decoded(
        np.hstack([photos.pixels("obama.jpg")[:600, :600], photos.pixels("biden.jpg")[:600]])
    )
    faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
    assert len(faces) == 2
    together = app.poses.estimate(photo, faces)
    for face, pose in zip(faces, together, strict=True):
        (alone,) = app.poses.estimate(photo, [face])
        assert (alone.yaw, alone.pitch, alone.roll) == pytest.approx(
            (pose.yaw, pose.pitch, pose.roll), abs=0.5
        )


def test_a_face_at_the_border_has_a_pose(app: App) -> None:
    pixels = photos.pixels("astronaut")[60:, 150:]
    pose = pose_of(app, pixels)
    assert abs(pose.roll) < 30
