"""Face Mesh: points of faces, and logits of being a face."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.core.photos.models import DetectionProfile, Face
from shared.vision.face_mesh import Meshes


@pytest.fixture(scope="module")
def astronaut(app: App) -> NDArray[np.uint8]:
    return app.codec.decode(photos.astronaut_jpeg()).upright_bgr


@pytest.fixture(scope="module")
def face(app: App) -> Face:
    photo = app.codec.decode(photos.astronaut_jpeg())
    return app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[0]


def infer(app: App, image: NDArray[np.uint8], *faces: Face) -> Meshes:
    boxes = np.array([(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in faces], np.float64)
    landmarks = np.array([f.landmarks for f in faces], np.float64)
    return app.face_mesh.infer(image, boxes.reshape(-1, 4), landmarks.reshape(-1, 5, 2))


def test_a_face_has_a_high_logit_and_a_wall_a_low_one(
    app: App, astronaut: NDArray[np.uint8], face: Face
) -> None:
    (logit,) = infer(app, astronaut, face).logits
    (of_a_wall,) = infer(app, np.full_like(astronaut, 127), face).logits
    assert logit > 20
    assert of_a_wall < 0


def test_the_landmarks_agree_with_the_detector(
    app: App, astronaut: NDArray[np.uint8], face: Face
) -> None:
    (five,) = infer(app, astronaut, face).landmarks
    assert five == pytest.approx(np.array(face.landmarks), abs=0.12 * face.box.height)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_points_rotate_with_the_photo(
    app: App, astronaut: NDArray[np.uint8], face: Face, quarters: int
) -> None:
    turned = np.ascontiguousarray(np.rot90(astronaut, quarters))
    side = astronaut.shape[0]  # the photo is square

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        for _ in range(quarters):
            points = np.stack([points[:, 1], side - 1 - points[:, 0]], axis=1)
        return points

    corners = moved(np.array([(face.box.x1, face.box.y1), (face.box.x2, face.box.y2)]))
    boxes = np.concatenate([corners.min(axis=0), corners.max(axis=0)])[np.newaxis]
    landmarks = moved(np.array(face.landmarks))[np.newaxis]
    seen, upright = app.face_mesh.infer(turned, boxes, landmarks), infer(app, astronaut, face)
    assert seen.logits[0] == pytest.approx(upright.logits[0], abs=6)
    assert seen.landmarks[0] == pytest.approx(moved(upright.landmarks[0]), abs=4)
    assert (
        seen.rotations[0] - upright.rotations[0] + 90 * quarters + 180
    ) % 360 - 180 == pytest.approx(0, abs=1)


def test_a_batch_gives_the_same_result_as_single_faces(
    app: App, astronaut: NDArray[np.uint8], face: Face
) -> None:
    together = infer(app, astronaut, face, face, face)
    alone = infer(app, astronaut, face)
    assert together.logits == pytest.approx(np.repeat(alone.logits, 3), abs=1e-3)


def test_no_faces_give_no_meshes(app: App, astronaut: NDArray[np.uint8]) -> None:
    seen = infer(app, astronaut)
    assert seen.points.shape == (0, 468, 3)
    assert seen.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize("where", [(-900.0, -900.0), (100000.0, 5.0)])
def test_a_box_outside_the_photo_is_not_a_face(
    app: App, astronaut: NDArray[np.uint8], face: Face, where: tuple[float, float]
) -> None:
    boxes = np.array([(*where, where[0] + 60, where[1] + 80)])
    landmarks = np.array([face.landmarks])
    seen = app.face_mesh.infer(astronaut, boxes, landmarks)
    assert np.isfinite(seen.points).all()
    assert seen.logits[0] < 0


def test_equal_landmarks_give_finite_numbers(
    app: App, astronaut: NDArray[np.uint8], face: Face
) -> None:
    boxes = np.array([(face.box.x1, face.box.y1, face.box.x2, face.box.y2)])
    seen = app.face_mesh.infer(astronaut, boxes, np.full((1, 5, 2), 200.0))
    assert np.isfinite(seen.points).all()
    assert np.isfinite(seen.landmarks).all()


def test_recognises_a_face_in_a_dark_photo(
    app: App, astronaut: NDArray[np.uint8], face: Face
) -> None:
    half = cv2.convertScaleAbs(astronaut, alpha=0.5).astype(np.uint8)
    assert infer(app, half, face).logits[0] > 15
