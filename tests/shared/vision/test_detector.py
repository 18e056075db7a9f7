"""Detection in real photos, and in scenes composed of them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.core.photos.models import Box, DetectionProfile, Face
from shared.core.recognition.detection import MIN_RECOGNISABLE_SIDE

RECOGNITION, HIDING = DetectionProfile.RECOGNITION, DetectionProfile.HIDING
PROFILES = [RECOGNITION, HIDING]
FULL_HD = 1080, 1920


def find(
    app: App, pixels: NDArray[Any], profile: DetectionProfile, threshold: float | None = None
) -> tuple[Face, ...]:
    return app.detector.detect(photos.decoded(pixels), profile=profile, threshold=threshold)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)


def close_up(app: App, name: str, around: float) -> NDArray[np.uint8]:
    """Return a square around the face of a photo, with `around` times the height of the face."""
    pixels = photos.pixels(name)
    box = find(app, pixels, RECOGNITION)[0].box
    half = box.height * around / 2
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return pixels[max(0, int(y - half)) : int(y + half), max(0, int(x - half)) : int(x + half)]


def scene(app: App, heights: list[int]) -> tuple[NDArray[np.uint8], list[Box]]:
    """Return a Full HD photo of a blurred wall with heads in a row, and the boxes of the faces."""
    wall = cv2.resize(photos.pixels("obama.jpg")[:150, :260], FULL_HD[::-1])
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


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "name", ["astronaut", "obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]
)
def test_finds_the_one_face_of_a_portrait(app: App, name: str, profile: DetectionProfile) -> None:
    (face,) = find(app, photos.pixels(name), profile)
    assert face.confidence > 0.7
    box = face.box
    for x, y in face.landmarks:
        assert box.x1 < x < box.x2
        assert box.y1 < y < box.y2


@pytest.mark.parametrize("name", ["obama_partial_face.jpg", "obama_partial_face2.jpg"])
def test_finds_a_face_cut_by_the_border(app: App, name: str) -> None:
    pixels = photos.pixels(name)
    (face,) = find(app, pixels, HIDING)
    assert face.box.height > 250
    assert face.box.x1 >= 0
    assert face.box.x2 <= pixels.shape[1]


def test_landmarks_match_a_manual_annotation(app: App) -> None:
    (face,) = find(app, photos.pixels("astronaut"), RECOGNITION)
    by_eye = [(203, 102), (248, 103), (224, 126), (204, 141), (243, 143)]
    assert np.array(face.landmarks) == pytest.approx(np.array(by_eye), abs=6)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("side", [64, 128, 700, 4000])
@pytest.mark.parametrize("around", [0.9, 1.6])
def test_finds_a_face_that_fills_a_photo_of_any_size(
    app: App, side: int, around: float, profile: DetectionProfile
) -> None:
    pixels = cv2.resize(close_up(app, "obama.jpg", around), (side, side))
    faces = find(app, pixels, profile)
    height = side / max(around, 1)
    if profile is RECOGNITION and height < MIN_RECOGNISABLE_SIDE * 1.4:  # it is less wide than high
        assert faces == ()
        return
    assert any(0.6 * height < face.box.height < 1.2 * height for face in faces)


def test_hiding_finds_large_and_tiny_faces_in_one_call(app: App) -> None:
    pixels, boxes = scene(app, [400, 24, 28, 60, 36])
    assert count_found(find(app, pixels, HIDING), boxes) == len(boxes)


def test_recognition_ignores_tiny_faces(app: App) -> None:
    pixels, boxes = scene(app, [200, 24, 24, 24])
    assert count_found(find(app, pixels, RECOGNITION), boxes) == 1


def test_hiding_finds_the_faces_of_a_full_hd_crowd(app: App) -> None:
    head = cv2.resize(close_up(app, "astronaut", 2.4), (60, 60), interpolation=cv2.INTER_AREA)
    crowd = np.tile(head, (18, 32, 1))
    faces = find(app, crowd, HIDING)
    assert len(faces) > 0.95 * 18 * 32
    assert all(15 < face.box.height < 40 for face in faces)


def test_each_face_is_found_once(app: App) -> None:
    pixels, _ = scene(app, [300, 90, 60, 30, 24])
    faces = find(app, pixels, HIDING)
    pairs = [(one, other) for one in faces for other in faces if one is not other]
    assert all(overlap(one.box, other.box) <= 0.3 for one, other in pairs)


def test_the_largest_face_comes_first(app: App) -> None:
    faces = find(app, scene(app, [40, 300, 90, 150])[0], HIDING)
    assert len(faces) >= 4
    assert all(one.box.area >= other.box.area for one, other in pairwise(faces))


def test_the_threshold_is_the_lowest_confidence(app: App) -> None:
    pixels, _ = scene(app, [200, 60, 40, 30])
    confidences = sorted(face.confidence for face in find(app, pixels, HIDING))
    above = (confidences[0] + confidences[-1]) / 2
    kept = find(app, pixels, HIDING, threshold=above)
    assert 0 < len(kept) < len(confidences)
    assert all(face.confidence >= above for face in kept)


def moved(face: Face, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the five points of a face lie after a matrix."""
    return np.array(face.landmarks) @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["astronaut", "obama.jpg"])
@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_finds_a_rotated_face(app: App, name: str, angle: int, profile: DetectionProfile) -> None:
    (upright,) = find(app, photos.pixels(name), profile)
    pixels, matrix = photos.turned(photos.pixels(name), angle)
    x, y = moved(upright, matrix).mean(axis=0)
    (face,) = find(app, pixels, profile)
    assert face.box.x1 < x < face.box.x2
    assert face.box.y1 < y < face.box.y2


@pytest.mark.parametrize("name", ["astronaut", "obama.jpg", "obama2.jpg"])
@pytest.mark.parametrize("angle", [90, 180, 270])
def test_recognition_places_the_landmarks_of_a_rotated_face(
    app: App, name: str, angle: int
) -> None:
    (upright,) = find(app, photos.pixels(name), RECOGNITION)
    pixels, matrix = photos.turned(photos.pixels(name), angle)
    (face,) = find(app, pixels, RECOGNITION)
    distances = np.linalg.norm(np.array(face.landmarks) - moved(upright, matrix), axis=1)
    assert distances.max() < 0.1 * upright.box.height


def test_hiding_finds_lone_faces_of_20_pixels_anywhere_in_full_hd(app: App) -> None:
    wall = cv2.GaussianBlur(
        cv2.resize(photos.pixels("obama.jpg")[:150, :260], FULL_HD[::-1]), (0, 0), 9
    )
    head = cv2.resize(close_up(app, "obama.jpg", 2.2), (44, 44), interpolation=cv2.INTER_AREA)
    for x, y in [(3, 5), (1000, 517), (1870, 1030), (333, 900), (1500, 40), (18, 1033)]:
        image = np.array(wall)
        image[y : y + 44, x : x + 44] = head
        faces = find(app, image, HIDING)
        assert count_found(faces, [Box(x + 14, y + 12, x + 30, y + 32)]) == 1, (x, y)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["astronaut", "obama.jpg", "biden.jpg"])
def test_finds_a_face_in_the_dark(app: App, name: str, profile: DetectionProfile) -> None:
    pixels = photos.pixels(name)
    dark = (pixels * 0.04).astype(np.uint8)
    (face,), (seen,) = find(app, dark, profile), find(app, pixels, profile)
    assert overlap(face.box, seen.box) > 0.6


def test_one_person_is_one_face(app: App) -> None:
    """In a large photo of a face, parts of it resemble faces."""
    pixels = cv2.resize(close_up(app, "biden.jpg", 2.0), (2200, 2200))
    (face,) = find(app, pixels, HIDING)
    assert face.box.height > 800


def test_finds_every_face_of_a_photo_processed_in_bands(app: App) -> None:
    """A large photo is processed in bands; faces on their edges are found too."""
    head = cv2.resize(close_up(app, "astronaut", 2.2), (150, 150), interpolation=cv2.INTER_AREA)
    wall = np.full((3600, 2200, 3), 127, np.uint8)
    tops = range(10, 3400, 211)
    for top in tops:
        wall[top : top + 150, 900:1050] = head
    assert len(find(app, wall, HIDING)) == len(tops)


def test_finds_nothing_in_noise(app: App) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3)).astype(np.uint8)
    assert find(app, noise, HIDING) == ()


def test_colour_channels_are_not_mixed_up(app: App) -> None:
    """The network was trained on BGR, so it has a higher score in this order."""
    pixels = photos.pixels("astronaut")
    (right,), (wrong,) = (find(app, image, RECOGNITION) for image in (pixels, pixels[..., ::-1]))
    assert right.confidence > wrong.confidence


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 5000), (50, 10000), (10000, 50), (3, 70000), (31, 33), (1080, 1920)]
)
def test_finds_nothing_in_a_uniform_image(
    app: App, shape: tuple[int, int], profile: DetectionProfile
) -> None:
    assert find(app, np.full((*shape, 3), 127, np.uint8), profile) == ()


def test_detection_does_not_change_the_photo(app: App) -> None:
    pixels = photos.pixels("astronaut")
    photo = photos.decoded(pixels.copy())
    app.detector.detect(photo, profile=HIDING)
    assert np.array_equal(photo.upright_bgr, pixels)


def test_concurrent_threads_find_the_same(app: App) -> None:
    images = [scene(app, [200, 40, 24])[0], photos.pixels("astronaut"), photos.pixels("biden.jpg")]
    alone = [find(app, image, HIDING) for image in images]
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda image: find(app, image, HIDING), images))
    assert at_once == alone
