"""The detection network: its inputs and outputs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.core.photos.models import Box
from shared.vision.detections import Detections, non_maximum_suppression
from shared.vision.yunet import YuNet


@pytest.fixture(scope="module")
def network(app: App) -> YuNet:
    return YuNet(app.detector_session)


@pytest.fixture(scope="module")
def astronaut(app: App) -> NDArray[np.uint8]:
    return app.codec.decode(photos.astronaut_jpeg()).upright_bgr


def best(detections: Detections) -> Detections:
    return non_maximum_suppression(detections).take(np.array([0]))


def test_detects_the_face_with_its_landmarks_inside(
    network: YuNet, astronaut: NDArray[np.uint8]
) -> None:
    (seen,) = network.infer([astronaut], 0.5)
    face = best(seen)
    box, points = face.boxes[0], face.landmarks[0]
    assert 0.85 < face.scores[0] <= 1
    assert (points > box[:2]).all()
    assert (points < box[2:]).all()
    left_eye, right_eye, nose, left_mouth, right_mouth = points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, 1), (7, 13), (31, 31)])
def test_detections_move_with_the_image_at_any_size(
    network: YuNet, astronaut: NDArray[np.uint8], shift: tuple[int, int]
) -> None:
    """Sizes that are not multiples of 32 are padded on the right and at the bottom."""
    x, y = shift
    (seen,), (moved,) = (
        network.infer([image], 0.5)
        for image in (astronaut, np.ascontiguousarray(astronaut[y:, x:]))
    )
    expected = best(seen).boxes[0] - (x, y, x, y)
    assert best(moved).boxes[0] == pytest.approx(expected, abs=8)


def test_a_batch_gives_the_same_result_as_single_images(
    network: YuNet, astronaut: NDArray[np.uint8]
) -> None:
    images = [astronaut[:250, :400], astronaut[50:300, 50:450], astronaut[100:350, 60:460]]
    together = network.infer(images, 0.3)
    for image, seen in zip(images, together, strict=True):
        (alone,) = network.infer([image], 0.3)
        assert seen.boxes == pytest.approx(alone.boxes, abs=0.01)
        assert seen.scores == pytest.approx(alone.scores, abs=1e-4)


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.6, 0.9])
def test_the_threshold_applies_to_the_scores(
    network: YuNet, astronaut: NDArray[np.uint8], threshold: float
) -> None:
    (everything,), (some,) = (network.infer([astronaut], least) for least in (0.01, threshold))
    assert some.scores.min() >= threshold
    assert len(some) == (everything.scores >= threshold).sum()


@pytest.mark.parametrize(("threshold", "finds_any"), [(5e-324, True), (1 - 2**-53, False)])
def test_accepts_thresholds_next_to_zero_and_one(
    network: YuNet, astronaut: NDArray[np.uint8], threshold: float, finds_any: bool
) -> None:
    (found,) = network.infer([astronaut[60:220, 140:300]], threshold)
    assert (len(found) > 0) is finds_any


def test_boxes_are_never_infinite(network: YuNet) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (320, 320, 3)).astype(np.uint8)
    (seen,) = network.infer([noise], 0.001)
    assert np.isfinite(seen.boxes).all()
    assert Box(*seen.boxes[0].tolist()).area > 0
