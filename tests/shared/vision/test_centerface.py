import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.app import App
from shared.vision.centerface import CenterFace
from tests import photos


@pytest.fixture(scope="module")
def network(app: App) -> CenterFace:
    return CenterFace(app.detector_session)


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(photos.astronaut_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_images_together_are_seen_as_alone(
    network: CenterFace, astronaut: NDArray[np.uint8]
) -> None:
    images = [astronaut[:200, 100:300], astronaut[20:220, 130:330], astronaut[300:500, 300:500]]
    together = network.find(images, 0.3)
    assert [len(found) > 0 for found in together] == [True, True, False]
    for image, found in zip(images, together, strict=True):
        (alone,) = network.find([image], 0.3)
        assert alone.boxes == pytest.approx(found.boxes, abs=0.05)
        assert alone.landmarks == pytest.approx(found.landmarks, abs=0.05)


def test_an_image_of_any_size_is_padded_not_stretched(
    network: CenterFace, astronaut: NDArray[np.uint8]
) -> None:
    (even,), (odd,) = (
        network.find([astronaut[: 224 + more, 100 : 324 + more]], 0.5) for more in (0, 13)
    )
    assert odd.boxes[odd.scores.argmax()] == pytest.approx(even.boxes[even.scores.argmax()], abs=4)


def test_scores_exceed_the_threshold(network: CenterFace, astronaut: NDArray[np.uint8]) -> None:
    (faint,) = network.find([astronaut], 0.01)
    (sure,) = network.find([astronaut], 0.5)
    assert faint.scores.min() > 0.01
    assert sure.scores.min() > 0.5
    assert len(faint) > len(sure)
