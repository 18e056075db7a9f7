from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness import photos
from shared.app import App
from shared.core.hiding.ports import HideMethod
from shared.core.photos.models import Box, DetectionProfile, Face, ImageFormat, Photo
from shared.vision import image, redaction
from shared.vision.redaction import CvFaceRedactor

IMPOSTOR = 80  # a similarity that one in a hundred pairs of different people reaches
RECOGNISED = 0.5
INSIDE, OUTSIDE = 0.999, 1.001 + redaction.SOFT_EDGE
ASTRONAUT = Box(181.4, 58.3, 269.9, 177.8)
LANDMARKS = ((0.0, 0.0),) * 5

Pixels = NDArray[Any]

# Hair line, chin, ears and jaws, in the photos' pixels.
EDGES = {
    "astronaut": ((220, 80), (225, 179), (174, 124), (270, 136), (192, 160), (257, 160)),
    "obama.jpg": ((480, 85), (497, 427), (337, 215), (641, 215), (402, 360), (597, 340)),
}

redactor = CvFaceRedactor()
each_method = pytest.mark.parametrize("method", HideMethod)
irreversibly = pytest.mark.parametrize("method", [HideMethod.VEIL, HideMethod.SOLID])


def face(box: Box, confidence: float = 0.93) -> Face:
    return Face(box, confidence, LANDMARKS)


def astronaut_bgr() -> NDArray[np.uint8]:
    data = np.frombuffer(photos.astronaut_jpeg(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def file_of(name: str) -> bytes:
    return photos.astronaut_jpeg() if name == "astronaut" else photos.load(name)


def photo_of(stored: Pixels, orientation: int = 1) -> Photo:
    """Return a photo as the codec would decode it."""
    bgr = (stored // 257).astype(np.uint8) if stored.dtype == np.uint16 else stored
    if bgr.shape[2:] != (3,):
        code = cv2.COLOR_BGRA2BGR if bgr.shape[2:] else cv2.COLOR_GRAY2BGR
        bgr = np.asarray(cv2.cvtColor(bgr, code), np.uint8)
    upright_bgr = image.apply_exif_orientation(bgr, orientation)
    stored.flags.writeable = upright_bgr.flags.writeable = False
    return Photo(stored, upright_bgr, orientation, orientation > 1, ImageFormat.PNG, None)


def radii(shape: tuple[int, ...], box: Box) -> NDArray[np.float64]:
    """Return the distances of pixels from the centre of a face, 1 on its ellipse."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    least = redaction.MIN_ASPECT
    length = np.hypot(box.width, box.height) / redaction.DIAGONAL
    reach = redaction.REACH * max(1, length / max(box.width, box.height))
    radius_x = reach * max(box.width, least * box.height)
    radius_y = reach * max(box.height, least * box.width)
    across = (x - (box.x1 + box.x2) / 2) / radius_x
    down = (y - (box.y1 + box.y2) / 2) / radius_y
    return np.asarray(np.hypot(across, down))


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def with_noise(pixels: Pixels, where: NDArray[np.bool_]) -> Pixels:
    """Return a copy with some pixels replaced by noise."""
    changed = pixels.copy()
    changed[where] = noise(*changed[where].shape)
    return changed


def details(pixels: Pixels) -> NDArray[np.float64]:
    return np.asarray(cv2.Laplacian(pixels.astype(np.float64), cv2.CV_64F))


@each_method
def test_leaves_every_pixel_outside_the_soft_edge(method: HideMethod) -> None:
    photo = photo_of(astronaut_bgr())
    outside = radii(photo.stored.shape, ASTRONAUT) > OUTSIDE

    hidden = redactor.hide(photo, [face(ASTRONAUT)], method)

    assert np.array_equal(hidden.stored[outside], photo.stored[outside])


@each_method
def test_removes_the_details_of_the_face(method: HideMethod) -> None:
    photo = photo_of(astronaut_bgr())
    inside = radii(photo.stored.shape, ASTRONAUT) < INSIDE

    hidden = redactor.hide(photo, [face(ASTRONAUT)], method).stored

    assert np.mean(hidden[inside] == photo.stored[inside]) < 0.05
    before, after = details(photo.stored)[inside].ravel(), details(hidden)[inside].ravel()
    assert abs(before @ after) < 0.15 * np.linalg.norm(before) * (np.linalg.norm(after) + 1)


@irreversibly
def test_the_painted_pixels_do_not_depend_on_the_face(method: HideMethod) -> None:
    pixels = astronaut_bgr()
    other = with_noise(pixels, radii(pixels.shape, ASTRONAUT) < INSIDE)

    one, two = (redactor.hide(photo_of(p), [face(ASTRONAUT)], method) for p in (pixels, other))

    assert np.array_equal(one.stored, two.stored)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.floats(-30, 110)), draw(st.floats(-30, 90))
    return Box(x, y, x + draw(st.floats(0.5, 60)), y + draw(st.floats(0.5, 60)))


@irreversibly
@settings(max_examples=40, deadline=None)
@given(crowd=st.lists(boxes(), min_size=1, max_size=4))
def test_no_face_of_a_crowd_shows_through(method: HideMethod, crowd: list[Box]) -> None:
    pixels = noise(80, 100, 3)
    hidden = np.any([radii(pixels.shape, box) < INSIDE for box in crowd], axis=0)
    other = pixels.copy()
    other[hidden] = 0
    faces = [face(box) for box in crowd]

    one, two = (redactor.hide(photo_of(p), faces, method).stored for p in (pixels, other))

    assert np.array_equal(one, two)
    untouched = np.all([radii(pixels.shape, box) > OUTSIDE for box in crowd], axis=0)
    assert np.array_equal(one[untouched], pixels[untouched])


def test_solid_is_black_over_the_whole_box_and_fades_outside_it() -> None:
    photo = photo_of(np.full((300, 300), 200, np.uint8))
    box = Box(100, 80, 180, 200)

    hidden = redactor.hide(photo, [face(box)], HideMethod.SOLID).stored

    assert not hidden[80:200, 100:180].any()
    distances = radii(hidden.shape, box)
    order = np.argsort(distances.ravel())
    assert (np.diff(hidden.ravel()[order].astype(int)) >= 0).all()
    edge = hidden[(distances > 1) & (distances < 1 + redaction.SOFT_EDGE)]
    assert len(np.unique(edge)) > 20


def test_more_is_hidden_around_a_square_box() -> None:
    photo = photo_of(np.full((500, 500), 200, np.uint8))
    upright, square = Box(175, 150, 325, 350), Box(150, 150, 350, 350)

    of_upright, of_square = (
        redactor.hide(photo, [face(box)], HideMethod.SOLID).stored for box in (upright, square)
    )

    assert np.count_nonzero(of_upright[:, 250] == 0) == 2 * 0.8 * 200
    assert np.count_nonzero(of_square[:, 250] == 0) == pytest.approx(2 * 0.905 * 200, abs=2)


def test_a_veil_is_smooth_and_as_bright_as_its_surroundings() -> None:
    photo = photo_of(astronaut_bgr())
    distances = radii(photo.stored.shape, ASTRONAUT)

    hidden = redactor.hide(photo, [face(ASTRONAUT)], HideMethod.VEIL).stored

    assert np.abs(np.diff(hidden.astype(int), axis=0)[distances[1:] < 0.95]).max() <= 4
    around = photo.stored[(distances > 1) & (distances < 1.35)]
    assert hidden[distances < INSIDE].mean() == pytest.approx(around.mean(), abs=12)


def test_a_veil_takes_its_colours_from_its_surroundings() -> None:
    ramp = np.tile(np.arange(240, dtype=np.uint8), (240, 1))
    photo = photo_of(ramp)

    hidden = redactor.hide(photo, [face(Box(80, 60, 160, 180))], HideMethod.VEIL).stored

    row = hidden[120, 57:183].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[-1] - row[0] > 40
    assert np.abs(row + row[::-1] - 239).max() <= 2


def test_a_mosaic_has_about_eight_cells_across_a_face() -> None:
    photo = photo_of(np.tile(np.arange(240, dtype=np.uint8), (240, 1)))

    hidden = redactor.hide(photo, [face(Box(80, 70, 160, 170))], HideMethod.MOSAIC).stored

    assert 7 <= len(np.unique(hidden[120, 80:160])) <= 10


def test_a_blur_removes_details_and_keeps_the_brightness() -> None:
    photo = photo_of(astronaut_bgr())
    inside = radii(photo.stored.shape, ASTRONAUT) < INSIDE

    hidden = redactor.hide(photo, [face(ASTRONAUT)], HideMethod.BLUR).stored

    assert details(hidden)[inside].std() < details(photo.stored)[inside].std() / 10
    assert hidden[inside].mean() == pytest.approx(photo.stored[inside].mean(), abs=12)


@each_method
@pytest.mark.parametrize("orientation", range(1, 9))
def test_hiding_does_not_depend_on_the_orientation(method: HideMethod, orientation: int) -> None:
    photo = photo_of(astronaut_bgr()[:400].copy(), orientation)
    upright = photo_of(image.apply_exif_orientation(photo.stored, orientation).copy())
    faces = [face(Box(120, 90, 200, 200)), face(Box(300, 380, 420, 480))]

    hidden = redactor.hide(photo, faces, method)
    expected = redactor.hide(upright, faces, method).stored

    assert np.array_equal(image.apply_exif_orientation(hidden.stored, orientation), expected)
    assert np.array_equal(hidden.upright_bgr, expected)


@each_method
def test_sixteen_bits_are_hidden_like_eight(method: HideMethod) -> None:
    pixels = astronaut_bgr()
    deep = photo_of(pixels.astype(np.uint16) * 257)
    outside = radii(pixels.shape, ASTRONAUT) > OUTSIDE

    hidden = redactor.hide(deep, [face(ASTRONAUT)], method)
    expected = redactor.hide(photo_of(pixels), [face(ASTRONAUT)], method).stored

    assert hidden.stored.dtype == np.uint16
    assert np.array_equal(hidden.stored[outside], deep.stored[outside])
    assert np.abs(hidden.stored / 257 - expected).max() <= 1.5
    assert np.array_equal(hidden.upright_bgr, expected)


@each_method
def test_the_brightest_of_sixteen_bits_stays_outside(method: HideMethod) -> None:
    photo = photo_of(np.full((60, 60), 65535, np.uint16))
    outside = radii(photo.stored.shape, Box(20, 20, 40, 40)) > OUTSIDE

    hidden = redactor.hide(photo, [face(Box(20, 20, 40, 40))], method).stored

    assert (hidden[outside] == 65535).all()


@each_method
def test_grey_is_hidden_like_colour(method: HideMethod) -> None:
    grey = np.asarray(cv2.cvtColor(astronaut_bgr(), cv2.COLOR_BGR2GRAY), np.uint8)

    hidden = redactor.hide(photo_of(grey), [face(ASTRONAUT)], method)

    assert hidden.stored.shape == grey.shape
    assert np.array_equal(hidden.upright_bgr, np.dstack([hidden.stored] * 3))


@each_method
def test_colours_are_hidden_under_transparency_and_alpha_stays(method: HideMethod) -> None:
    pixels = astronaut_bgr()
    alpha = np.random.default_rng(2).choice(np.array([0, 128, 255], np.uint8), pixels.shape[:2])

    hidden = redactor.hide(photo_of(np.dstack([pixels, alpha])), [face(ASTRONAUT)], method)
    expected = redactor.hide(photo_of(pixels), [face(ASTRONAUT)], method).stored

    assert np.array_equal(hidden.stored[..., 3], alpha)
    assert np.array_equal(hidden.stored[..., :3], expected)


@each_method
def test_the_input_is_unchanged_and_the_result_is_read_only(method: HideMethod) -> None:
    photo = photo_of(astronaut_bgr())
    before = photo.stored.copy()

    hidden = redactor.hide(photo, [face(ASTRONAUT)], method)

    assert np.array_equal(photo.stored, before)
    assert not hidden.stored.flags.writeable
    assert hidden.stored is hidden.upright_bgr
    kept = ("orientation", "has_orientation", "format", "quality")
    assert all(getattr(hidden, name) == getattr(photo, name) for name in kept)


@each_method
def test_changes_nothing_without_a_face_in_the_image(method: HideMethod) -> None:
    photo = photo_of(astronaut_bgr())
    beyond = face(Box(600, 600, 700, 700))
    of_no_area = face(Box(100, 100, 100, 200))

    assert np.array_equal(redactor.hide(photo, [], method).stored, photo.stored)
    assert np.array_equal(redactor.hide(photo, [beyond, of_no_area], method).stored, photo.stored)


@each_method
@pytest.mark.parametrize("corner", [(-40, -50), (460, -50), (-40, 450), (460, 450)])
def test_hides_a_face_at_the_border(method: HideMethod, corner: tuple[float, float]) -> None:
    photo = photo_of(noise(512, 512, 3))
    box = Box(*corner, corner[0] + 90, corner[1] + 110)
    distances = radii(photo.stored.shape, box)

    hidden = redactor.hide(photo, [face(box)], method).stored

    assert np.array_equal(hidden[distances > OUTSIDE], photo.stored[distances > OUTSIDE])
    assert np.mean(hidden[distances < INSIDE] == photo.stored[distances < INSIDE]) < 0.02


@each_method
@pytest.mark.parametrize("side", [2, 4, 8])
def test_hides_tiny_faces(method: HideMethod, side: int) -> None:
    photo = photo_of(noise(40, 40, 3))
    box = Box(10, 10, 10 + side, 10 + side)

    hidden = redactor.hide(photo, [face(box)], method).stored

    region = (slice(10, 10 + side), slice(10, 10 + side))
    assert np.mean(hidden[region] == photo.stored[region]) < 0.1
    assert hidden[region].std() < photo.stored[region].std() / 2


@each_method
def test_hides_huge_faces(method: HideMethod) -> None:
    photo = photo_of(noise(3600, 3600))
    box = Box(500, -200, 3400, 3800)

    hidden = redactor.hide(photo, [face(box)], method).stored

    assert np.mean(hidden[:, 500:3400] == photo.stored[:, 500:3400]) < 0.02


def test_a_face_that_fills_the_photo_gets_a_grey_veil() -> None:
    photo = photo_of(astronaut_bgr())

    hidden = redactor.hide(photo, [face(Box(-50, -50, 562, 562))], HideMethod.VEIL).stored

    assert np.unique(hidden).tolist() == [127]


@each_method
def test_hides_the_larger_of_overlapping_faces_first(method: HideMethod) -> None:
    photo = photo_of(astronaut_bgr())
    large, small = face(ASTRONAUT), face(Box(250, 150, 280, 190))

    hidden = redactor.hide(photo, [small, large], method).stored

    assert np.array_equal(hidden, redactor.hide(photo, [large, small], method).stored)
    if method is not HideMethod.VEIL:  # a veil takes no colours from below another
        first = redactor.hide(photo, [large], method)
        assert np.array_equal(hidden, redactor.hide(first, [small], method).stored)


def test_several_threads_can_share_a_redactor() -> None:
    photo = photo_of(astronaut_bgr())

    def hide(_: int) -> Pixels:
        return redactor.hide(photo, [face(ASTRONAUT)], HideMethod.VEIL).stored

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(hide, range(16))
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", EDGES)
def test_the_ellipse_covers_hairline_chin_and_ears(app: App, name: str) -> None:
    photo = app.codec.decode(file_of(name))
    edges = np.array(EDGES[name])
    middle = edges.mean(axis=0)
    beyond = np.rint(middle + 1.2 * (edges - middle)).astype(int)

    found = app.detector.detect(photo, profile=DetectionProfile.HIDING)
    hidden = redactor.hide(photo, found[:1], HideMethod.SOLID).upright_bgr

    assert not hidden[beyond[:, 1], beyond[:, 0]].any()


@irreversibly
@pytest.mark.parametrize("name", ["astronaut", "obama.jpg"])
def test_a_hidden_person_is_neither_detected_nor_recognised(
    app: App, method: HideMethod, name: str
) -> None:
    photo = app.codec.decode(file_of(name))
    (seen,) = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[:1]
    recognizer = app.recognizers.get(app.model_version)

    hidden = redactor.hide(photo, [seen], method)

    found = app.detector.detect(hidden, profile=DetectionProfile.RECOGNITION, threshold=RECOGNISED)
    assert not [f for f in found if abs(f.box.x1 - seen.box.x1) < seen.box.width / 2]
    clean, covered = (recognizer.embedder.embed(p, [seen])[0] for p in (photo, hidden))
    assert clean @ covered < recognizer.calibration.score(IMPOSTOR)


@pytest.mark.parametrize("channels", [0, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_draws_rectangles_and_changes_nothing_else(dtype: type, channels: int) -> None:
    shape = (200, 300, channels) if channels else (200, 300)
    photo = photo_of(np.full(shape, 7, dtype))
    box = Box(50, 60, 150, 160)

    drawn = redactor.draw(photo, [face(box)])

    brightest = np.iinfo(dtype).max
    colour = [0, brightest, 0, 7][:channels] if channels else brightest
    for place in ((110, 50), (110, 150), (60, 100), (160, 100)):
        assert np.array_equal(drawn.stored[place], np.array(colour))
    for untouched in (np.s_[70:150, 60:140], np.s_[170:], np.s_[:, 160:]):
        assert (drawn.stored[untouched] == 7).all()
    assert (drawn.stored[30:58, 45:120] != 7).any()  # the confidence
    assert (photo.stored == 7).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_draws_in_the_upright_frame(orientation: int) -> None:
    photo = photo_of(astronaut_bgr()[:400].copy(), orientation)
    upright = photo_of(image.apply_exif_orientation(photo.stored, orientation).copy())

    drawn = redactor.draw(photo, [face(ASTRONAUT)])

    expected = redactor.draw(upright, [face(ASTRONAUT)]).stored
    assert np.array_equal(image.apply_exif_orientation(drawn.stored, orientation), expected)
    assert np.array_equal(drawn.upright_bgr, expected)


def test_lines_are_thicker_on_a_larger_photo() -> None:
    small, large = (photo_of(np.zeros((side, side), np.uint8)) for side in (300, 3000))

    def width(photo: Photo) -> int:
        side, _ = photo.upright_size
        box = Box(side / 4, side / 4, side * 0.9, side * 0.9)
        row = redactor.draw(photo, [face(box)]).stored[side // 2, : side // 2]
        return int(np.count_nonzero(row))

    assert width(small) == 1
    assert width(large) >= 5


def test_draws_faces_partly_outside_the_image() -> None:
    photo = photo_of(np.zeros((100, 100, 3), np.uint8))

    drawn = redactor.draw(photo, [face(Box(-500, 20, 50, 9000)), face(Box(300, 300, 400, 400))])

    assert drawn.stored[60, 50, 1] == 255


def test_two_separate_grids_stay_separate() -> None:
    pixels = astronaut_bgr()
    photo = replace(photo_of(pixels), upright_bgr=pixels.copy())

    hidden = redactor.hide(photo, [face(ASTRONAUT)], HideMethod.VEIL)

    assert hidden.stored is not hidden.upright_bgr
    assert np.array_equal(hidden.stored, hidden.upright_bgr)
