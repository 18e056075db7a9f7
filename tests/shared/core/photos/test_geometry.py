import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.core.photos import geometry
from shared.core.photos.models import Box

# What a viewer does to the stored pixels, by the EXIF standard (CIPA DC-008, tag 274).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
COORDINATES = st.floats(-100, 100)
BOXES = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    COORDINATES,
    COORDINATES,
    st.floats(0.5, 50),
    st.floats(0.5, 50),
)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_maps_a_box_to_the_stored_pixels(orientation: int) -> None:
    stored = Image.fromarray(np.arange(7 * 11, dtype=np.uint8).reshape(7, 11))
    upright = stored.transpose(TURNS[orientation]) if orientation in TURNS else stored
    for box in (Box(0, 0, 1, 1), Box(1, 2, 4, 7), Box(0, 0, upright.width, upright.height)):
        seen = np.asarray(upright)[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
        found = geometry.to_stored(box, orientation, upright.width, upright.height)
        there = np.asarray(stored)[int(found.y1) : int(found.y2), int(found.x1) : int(found.x2)]
        assert sorted(there.ravel()) == sorted(seen.ravel())


@given(BOXES, st.integers(1, 8))
def test_a_box_keeps_its_area_in_the_stored_frame(box: Box, orientation: int) -> None:
    stored = geometry.to_stored(box, orientation, 40, 30)
    assert stored.x1 < stored.x2
    assert stored.y1 < stored.y2
    assert stored.area == pytest.approx(box.area, rel=1e-6)


def test_clips_a_box_to_the_image() -> None:
    assert geometry.clip(Box(-5, 3, 30, 90), 20, 40) == Box(0, 3, 20, 40)


def test_leaves_a_box_inside_the_image_as_it_is() -> None:
    assert geometry.clip(Box(1.5, 2, 3, 4), 20, 40) == Box(1.5, 2, 3, 4)


@pytest.mark.parametrize("box", [Box(-9, -9, -1, -1), Box(21, 5, 30, 9), Box(5, 41, 9, 50)])
def test_a_box_outside_the_image_is_clipped_to_nothing(box: Box) -> None:
    assert geometry.clip(box, 20, 40).area == 0


def test_a_box_overlaps_itself_completely() -> None:
    assert geometry.iou(Box(1, 2, 3, 5), Box(1, 2, 3, 5)) == 1


def test_half_a_box_overlaps_it_by_half() -> None:
    assert geometry.iou(Box(0, 0, 4, 4), Box(0, 0, 4, 2)) == 0.5


def test_two_boxes_share_a_seventh() -> None:
    assert geometry.iou(Box(0, 0, 2, 2), Box(1, 1, 3, 3)) == pytest.approx(1 / 7)


@pytest.mark.parametrize("other", [Box(2, 0, 4, 2), Box(0, 5, 2, 9), Box(-9, -9, -8, -8)])
def test_boxes_that_do_not_meet_do_not_overlap(other: Box) -> None:
    assert geometry.iou(Box(0, 0, 2, 2), other) == 0


@given(BOXES, BOXES)
def test_overlap_does_not_depend_on_the_order(a: Box, b: Box) -> None:
    assert geometry.iou(a, b) == pytest.approx(geometry.iou(b, a))
    assert 0 <= geometry.iou(a, b) <= 1 + 1e-9


def test_whole_pixels_hold_all_of_a_rectangle() -> None:
    assert geometry.to_whole_pixels(Box(0.9, -1.5, 2.1, 4.0)) == (0, -2, 3, 4)
