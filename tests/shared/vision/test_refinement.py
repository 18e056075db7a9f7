"""Verification of doubtful detections, and alignment of tilted faces."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.vision.detections import Detections, concatenate, non_maximum_suppression
from shared.vision.refinement import DetectionRefiner
from shared.vision.yunet import YuNet


@pytest.fixture(scope="module")
def network(app: App) -> YuNet:
    return YuNet(app.detector_session)


@pytest.fixture(scope="module")
def refiner(app: App, network: YuNet) -> DetectionRefiner:
    return DetectionRefiner(network, app.face_mesh)


@pytest.fixture(scope="module")
def astronaut(app: App) -> NDArray[np.uint8]:
    return app.codec.decode(photos.astronaut_jpeg()).upright_bgr


def detected(network: YuNet, image: NDArray[np.uint8]) -> Detections:
    return non_maximum_suppression(network.infer([image], 0.15)[0]).take(np.array([0]))


def with_score(detections: Detections, score: float) -> Detections:
    scores = np.full(len(detections), score, np.float32)
    return Detections(detections.boxes, scores, detections.landmarks)


def at(box: tuple[float, float, float, float], score: float) -> Detections:
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    points = [(0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.8), (0.65, 0.8)]
    landmarks = np.array([[(x1 + x * width, y1 + y * height) for x, y in points]], np.float32)
    return Detections(np.array([box], np.float32), np.array([score], np.float32), landmarks)


def rotated(image: NDArray[np.uint8], clockwise: float) -> tuple[NDArray[np.uint8], np.ndarray]:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -clockwise, 1)
    return cv2.warpAffine(image, matrix, (width, height)).astype(np.uint8), matrix


def test_confirms_a_doubtful_face(
    network: YuNet, refiner: DetectionRefiner, astronaut: NDArray[np.uint8]
) -> None:
    assert len(refiner.verify(astronaut, with_score(detected(network, astronaut), 0.2))) == 1


@pytest.mark.parametrize("box", [(20, 300, 100, 400), (330, 20, 420, 130), (0, 0, 40, 50)])
def test_drops_a_doubtful_suit_or_shuttle(
    refiner: DetectionRefiner, astronaut: NDArray[np.uint8], box: tuple[float, float, float, float]
) -> None:
    assert len(refiner.verify(astronaut, at(box, 0.5))) == 0


def test_does_not_verify_a_certain_detection(
    refiner: DetectionRefiner, astronaut: NDArray[np.uint8]
) -> None:
    assert len(refiner.verify(astronaut, at((20, 300, 100, 400), 0.85))) == 1


def test_verifies_each_detection_separately(
    network: YuNet, refiner: DetectionRefiner, astronaut: NDArray[np.uint8]
) -> None:
    face = with_score(detected(network, astronaut), 0.5)
    suit = at((20, 300, 100, 400), 0.5)
    kept = refiner.verify(astronaut, concatenate([suit, face, suit]))
    assert kept.boxes == pytest.approx(face.boxes)


@pytest.mark.parametrize("angle", [0, 20, 35, 50, 90, 135, 180, 225, 270, 315])
def test_aligned_landmarks_follow_the_tilt_of_a_head(
    network: YuNet, refiner: DetectionRefiner, astronaut: NDArray[np.uint8], angle: int
) -> None:
    """The network alone places them as if a face tilted by 40 degrees were tilted by 25."""
    upright = detected(network, astronaut)
    image, matrix = rotated(astronaut[:300, 70:370], angle)
    shifted = upright.landmarks[0] - (70, 0)
    expected = shifted @ matrix[:, :2].T + matrix[:, 2]
    found, is_face = refiner.align(image, detected(network, image))
    assert is_face.all()
    distances = np.linalg.norm(found.landmarks[0] - expected, axis=1)
    assert distances.max() < 0.12 * upright.sizes[0, 1]


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_the_aligned_box_of_a_face_rotates_with_it(
    network: YuNet, refiner: DetectionRefiner, astronaut: NDArray[np.uint8], angle: int
) -> None:
    upright = detected(network, astronaut)
    image, _ = rotated(astronaut[:300, 70:370], angle)
    found, _ = refiner.align(image, detected(network, image))
    width, height = found.sizes[0] if angle % 180 == 0 else found.sizes[0][::-1]
    assert (width, height) == pytest.approx(upright.sizes[0], rel=0.15)


def test_does_not_align_an_unclear_detection(
    refiner: DetectionRefiner, astronaut: NDArray[np.uint8]
) -> None:
    suit = at((20, 300, 100, 400), 0.5)
    found, is_face = refiner.align(astronaut, suit)
    assert not is_face.any()
    assert found.boxes == pytest.approx(suit.boxes)
    assert found.landmarks == pytest.approx(suit.landmarks)


def test_accepts_no_detections(refiner: DetectionRefiner, astronaut: NDArray[np.uint8]) -> None:
    nobody = at((0, 0, 1, 1), 0.5).take(np.zeros(1, bool))
    assert len(refiner.verify(astronaut, nobody)) == 0
    found, is_face = refiner.align(astronaut, nobody)
    assert len(found) == len(is_face) == 0
