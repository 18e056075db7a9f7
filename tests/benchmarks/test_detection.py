import numpy as np
import pytest

from benchmarks import detection
from benchmarks.detection import Portrait
from harness import photos
from shared.app import App
from shared.core.photos import geometry
from shared.core.photos.models import DetectionProfile


@pytest.fixture(scope="module")
def astronaut(app: App) -> Portrait:
    photo = app.codec.decode(photos.astronaut_jpeg())
    (face,) = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
    return Portrait(photo.upright_bgr, face.box)


@pytest.mark.parametrize("height", [32, 64, 128])
def test_a_pasted_face_is_in_its_box(app: App, astronaut: Portrait, height: int) -> None:
    canvas = np.full((540, 960, 3), 127, np.uint8)
    box = detection.paste(canvas, astronaut, height, np.random.default_rng(height))
    assert box.height == pytest.approx(height, abs=0.5)
    photo = photos.decoded(canvas)
    (face,) = app.detector.detect(photo, profile=DetectionProfile.HIDING)
    assert geometry.iou(face.box, box) > 0.6


@pytest.mark.parametrize("angle", [0, 90, 200])
def test_a_turned_face_is_in_its_box(app: App, astronaut: Portrait, angle: int) -> None:
    image, box = detection.turn(astronaut, angle)
    (face,) = app.detector.detect(photos.decoded(image), profile=DetectionProfile.HIDING)
    assert geometry.iou(face.box, box) > 0.5


@pytest.mark.parametrize("shape", [(300, 400), (1080, 1920), (4000, 1500)])
def test_backgrounds_are_full_hd(shape: tuple[int, int]) -> None:
    assert detection.full_hd(np.zeros((*shape, 3), np.uint8)).shape == (1080, 1920, 3)


def test_a_tilted_head_resembles_the_upright_one(app: App, astronaut: Portrait) -> None:
    cosines = detection.tilted_heads(app, [astronaut])

    assert cosines.keys() == {str(angle) for angle in detection.ANGLES[1:]}
    for text in cosines.values():
        assert float(text.split(" / ")[0]) > 0.7
