"""Looking again at faces: doubtful ones, and tilted ones."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.vision.candidates import Candidates, concatenate, suppress_overlapping
from shared.vision.second_looks import SecondLooks
from shared.vision.yunet import YuNet


@pytest.fixture(scope="module")
def network(app: App) -> YuNet:
    return YuNet(app.detector_session)


@pytest.fixture(scope="module")
def looks(app: App, network: YuNet) -> SecondLooks:
    return SecondLooks(network, app.face_mesh)


@pytest.fixture(scope="module")
def astronaut(app: App) -> NDArray[np.uint8]:
    return app.codec.decode(photos.astronaut_jpeg()).upright_bgr


def seen(network: YuNet, image: NDArray[np.uint8]) -> Candidates:
    return suppress_overlapping(network.infer([image], 0.15)[0]).take(np.array([0]))


def with_score(candidates: Candidates, score: float) -> Candidates:
    scores = np.full(len(candidates), score, np.float32)
    return Candidates(candidates.boxes, scores, candidates.landmarks)


def at(box: tuple[float, float, float, float], score: float) -> Candidates:
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    points = [(0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.8), (0.65, 0.8)]
    landmarks = np.array([[(x1 + x * width, y1 + y * height) for x, y in points]], np.float32)
    return Candidates(np.array([box], np.float32), np.array([score], np.float32), landmarks)


def turned(image: NDArray[np.uint8], clockwise: float) -> tuple[NDArray[np.uint8], np.ndarray]:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -clockwise, 1)
    return cv2.warpAffine(image, matrix, (width, height)).astype(np.uint8), matrix


def test_a_doubtful_face_is_one_when_it_is_seen_again(
    network: YuNet, looks: SecondLooks, astronaut: NDArray[np.uint8]
) -> None:
    assert len(looks.judge(astronaut, with_score(seen(network, astronaut), 0.2))) == 1


@pytest.mark.parametrize("box", [(20, 300, 100, 400), (330, 20, 420, 130), (0, 0, 40, 50)])
def test_a_doubtful_suit_or_shuttle_is_none(
    looks: SecondLooks, astronaut: NDArray[np.uint8], box: tuple[float, float, float, float]
) -> None:
    assert len(looks.judge(astronaut, at(box, 0.5))) == 0


def test_what_is_sure_is_not_looked_at_again(
    looks: SecondLooks, astronaut: NDArray[np.uint8]
) -> None:
    assert len(looks.judge(astronaut, at((20, 300, 100, 400), 0.85))) == 1


def test_each_is_judged_by_itself(
    network: YuNet, looks: SecondLooks, astronaut: NDArray[np.uint8]
) -> None:
    face = with_score(seen(network, astronaut), 0.5)
    suit = at((20, 300, 100, 400), 0.5)
    kept = looks.judge(astronaut, concatenate([suit, face, suit]))
    assert kept.boxes == pytest.approx(face.boxes)


@pytest.mark.parametrize("angle", [0, 20, 35, 50, 90, 135, 180, 225, 270, 315])
def test_the_five_points_follow_a_head_however_it_is_tilted(
    network: YuNet, looks: SecondLooks, astronaut: NDArray[np.uint8], angle: int
) -> None:
    """The network by itself draws them as if a face tilted by 40 degrees were tilted by 25."""
    upright = seen(network, astronaut)
    image, matrix = turned(astronaut[:300, 70:370], angle)
    shifted = upright.landmarks[0] - (70, 0)
    expected = shifted @ matrix[:, :2].T + matrix[:, 2]
    found, is_face = looks.straighten(image, seen(network, image))
    assert is_face.all()
    distances = np.linalg.norm(found.landmarks[0] - expected, axis=1)
    assert distances.max() < 0.12 * upright.sizes[0, 1]


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_the_box_of_a_turned_face_is_turned_with_it(
    network: YuNet, looks: SecondLooks, astronaut: NDArray[np.uint8], angle: int
) -> None:
    upright = seen(network, astronaut)
    image, _ = turned(astronaut[:300, 70:370], angle)
    found, _ = looks.straighten(image, seen(network, image))
    width, height = found.sizes[0] if angle % 180 == 0 else found.sizes[0][::-1]
    assert (width, height) == pytest.approx(upright.sizes[0], rel=0.15)


def test_what_cannot_be_seen_clearly_is_left_as_it_is(
    looks: SecondLooks, astronaut: NDArray[np.uint8]
) -> None:
    suit = at((20, 300, 100, 400), 0.5)
    found, is_face = looks.straighten(astronaut, suit)
    assert not is_face.any()
    assert found.boxes == pytest.approx(suit.boxes)
    assert found.landmarks == pytest.approx(suit.landmarks)


def test_no_faces_are_no_work(looks: SecondLooks, astronaut: NDArray[np.uint8]) -> None:
    nobody = at((0, 0, 1, 1), 0.5).take(np.zeros(1, bool))
    assert len(looks.judge(astronaut, nobody)) == 0
    found, is_face = looks.straighten(astronaut, nobody)
    assert len(found) == len(is_face) == 0
