"""What is found on real photos, and on scenes made of them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.app import App
from shared.core.models import Box, DetectionScale, Face, ImageFormat, Photo
from tests import photos

RECOGNITION, THOROUGH = DetectionScale.RECOGNITION, DetectionScale.THOROUGH
SCALES = [RECOGNITION, THOROUGH]
FULL_HD = 1080, 1920


def photo_of(pixels: NDArray[Any]) -> Photo:
    image = np.ascontiguousarray(pixels, np.uint8)
    image.flags.writeable = False
    return Photo(image, image, 1, has_orientation=False, format=ImageFormat.PNG, quality=None)


def pixels_of(name: str) -> NDArray[np.uint8]:
    data = photos.astronaut_jpeg() if name == "astronaut" else photos.load(name)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def find(
    app: App, pixels: NDArray[Any], scale: DetectionScale, threshold: float | None = None
) -> tuple[Face, ...]:
    return app.detector.detect(photo_of(pixels), scale=scale, threshold=threshold)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)


def close_up(app: App, name: str, around: float) -> NDArray[np.uint8]:
    """Return a square of a photo about its face, some times as high as the face is."""
    pixels = pixels_of(name)
    box = find(app, pixels, RECOGNITION)[0].box
    half = box.height * around / 2
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return pixels[max(0, int(y - half)) : int(y + half), max(0, int(x - half)) : int(x + half)]


def scene(app: App, heights: list[int]) -> tuple[NDArray[np.uint8], list[Box]]:
    """Return a Full HD photo of a blurred wall with heads in a row, and where their faces are."""
    wall = cv2.resize(pixels_of("obama.jpg")[:150, :260], FULL_HD[::-1])
    image = np.asarray(cv2.GaussianBlur(wall, (0, 0), 20), np.uint8)
    boxes = []
    left = 20
    for place, height in enumerate(heights):
        side = round(height * 2.2)
        head = close_up(app, ["astronaut", "obama.jpg", "biden.jpg"][place % 3], 2.2)
        shrunk = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
        image[50 : 50 + side, left : left + side] = shrunk
        middle = np.array([left + side / 2, 50 + side / 2])
        half = np.array([height * 0.37, height / 2])
        boxes.append(Box(*(middle - half).tolist(), *(middle + half).tolist()))
        left += side + 40
    return image, boxes


def count_found(faces: tuple[Face, ...], boxes: list[Box]) -> int:
    return sum(any(overlap(face.box, box) > 0.3 for face in faces) for box in boxes)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    "name", ["astronaut", "obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]
)
def test_finds_the_one_face_of_a_portrait(app: App, name: str, scale: DetectionScale) -> None:
    (face,) = find(app, pixels_of(name), scale)
    assert face.confidence > 0.7
    box = face.box
    for x, y in face.landmarks:
        assert box.x1 < x < box.x2
        assert box.y1 < y < box.y2


@pytest.mark.parametrize("name", ["obama_partial_face.jpg", "obama_partial_face2.jpg"])
def test_finds_a_face_that_the_photo_cuts(app: App, name: str) -> None:
    pixels = pixels_of(name)
    (face,) = find(app, pixels, THOROUGH)
    assert face.box.height > 250
    assert face.box.x1 >= 0
    assert face.box.x2 <= pixels.shape[1]


def test_landmarks_are_where_they_are_on_the_photo(app: App) -> None:
    (face,) = find(app, pixels_of("astronaut"), RECOGNITION)
    by_eye = [(203, 102), (248, 103), (224, 126), (204, 141), (243, 143)]
    assert np.array(face.landmarks) == pytest.approx(np.array(by_eye), abs=4)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("side", [64, 128, 700, 4000])
@pytest.mark.parametrize("around", [0.9, 1.6])
def test_finds_a_face_that_fills_a_photo_of_any_size(
    app: App, side: int, around: float, scale: DetectionScale
) -> None:
    pixels = cv2.resize(close_up(app, "obama.jpg", around), (side, side))
    faces = find(app, pixels, scale)
    height = side / max(around, 1)
    assert any(0.6 * height < face.box.height < 1.2 * height for face in faces)


def test_thorough_finds_large_and_tiny_faces_in_one_call(app: App) -> None:
    pixels, boxes = scene(app, [400, 24, 28, 60, 36])
    assert count_found(find(app, pixels, THOROUGH), boxes) == len(boxes)


def test_recognition_leaves_tiny_faces_alone(app: App) -> None:
    pixels, boxes = scene(app, [200, 24, 24, 24])
    assert count_found(find(app, pixels, RECOGNITION), boxes) == 1


def test_thorough_finds_the_faces_of_a_full_hd_crowd(app: App) -> None:
    head = cv2.resize(close_up(app, "astronaut", 2.4), (60, 60), interpolation=cv2.INTER_AREA)
    crowd = np.tile(head, (18, 32, 1))
    faces = find(app, crowd, THOROUGH)
    assert len(faces) > 0.95 * 18 * 32
    assert all(15 < face.box.height < 40 for face in faces)


def test_each_face_is_found_once(app: App) -> None:
    pixels, _ = scene(app, [300, 90, 60, 30, 24])
    faces = find(app, pixels, THOROUGH)
    pairs = [(one, other) for one in faces for other in faces if one is not other]
    assert all(overlap(one.box, other.box) <= 0.3 for one, other in pairs)


def test_the_largest_face_comes_first(app: App) -> None:
    faces = find(app, scene(app, [40, 300, 90, 150])[0], THOROUGH)
    assert len(faces) >= 4
    assert all(one.box.area >= other.box.area for one, other in pairwise(faces))


def test_the_threshold_is_the_least_confidence(app: App) -> None:
    pixels, _ = scene(app, [200, 60, 40, 30])
    confidences = sorted(face.confidence for face in find(app, pixels, THOROUGH))
    above = (confidences[0] + confidences[-1]) / 2
    kept = find(app, pixels, THOROUGH, threshold=above)
    assert 0 < len(kept) < len(confidences)
    assert all(face.confidence >= above for face in kept)


@pytest.mark.parametrize("angle", [30, 60, 90, 180])
def test_thorough_finds_a_face_that_is_turned(app: App, angle: int) -> None:
    matrix = cv2.getRotationMatrix2D((256, 256), -angle, 1)
    pixels = cv2.warpAffine(pixels_of("astronaut"), matrix, (512, 512))
    x, y = matrix @ (225, 130, 1)
    boxes = [face.box for face in find(app, pixels, THOROUGH)]
    assert any(box.x1 < x < box.x2 and box.y1 < y < box.y2 for box in boxes)


def test_colour_channels_are_not_mixed_up(app: App) -> None:
    """The network was trained on red, green, blue; it is surer of that order than of the other."""
    pixels = pixels_of("astronaut")
    (right,), (wrong,) = (find(app, image, RECOGNITION) for image in (pixels, pixels[..., ::-1]))
    assert right.confidence > wrong.confidence


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 5000), (50, 10000), (10000, 50), (3, 70000), (31, 33), (1080, 1920)]
)
def test_finds_nothing_where_nothing_is(
    app: App, shape: tuple[int, int], scale: DetectionScale
) -> None:
    assert find(app, np.full((*shape, 3), 127, np.uint8), scale) == ()


def test_the_photo_stays_as_it_is(app: App) -> None:
    pixels = pixels_of("astronaut")
    photo = photo_of(pixels.copy())
    app.detector.detect(photo, scale=THOROUGH)
    assert np.array_equal(photo.upright_bgr, pixels)


def test_threads_find_the_same_at_once(app: App) -> None:
    images = [scene(app, [200, 40, 24])[0], pixels_of("astronaut"), pixels_of("biden.jpg")]
    alone = [find(app, image, THOROUGH) for image in images]
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda image: find(app, image, THOROUGH), images))
    assert at_once == alone
