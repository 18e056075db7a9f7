import numpy as np
import pytest

from shared.vision.candidates import (
    Candidates,
    concatenate,
    intersections_over_union,
    suppress_overlapping,
)

Rows = list[tuple[tuple[float, float, float, float], float, float]]


def candidates_of(rows: Rows) -> Candidates:
    """Return candidates of (box, score, seen height)."""
    boxes = np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in rows], np.float32)
    seen = np.array([height for _, _, height in rows], np.float32)
    landmarks = np.repeat(boxes[:, np.newaxis, :2], 5, axis=1)
    return Candidates(boxes, scores, landmarks, seen)


def test_of_overlapping_boxes_the_surest_stays() -> None:
    kept = suppress_overlapping(
        candidates_of([((0, 0, 10, 10), 0.5, 50), ((1, 0, 11, 10), 0.9, 50)])
    )
    assert kept.scores.tolist() == [np.float32(0.9)]


@pytest.mark.parametrize("height", [12, 500])
def test_a_box_seen_at_a_good_size_goes_before_a_surer_one_that_was_not(height: float) -> None:
    kept = suppress_overlapping(
        candidates_of([((0, 0, 10, 10), 0.9, height), ((1, 0, 11, 10), 0.5, 50)])
    )
    assert kept.boxes.tolist() == [[1, 0, 11, 10]]


def test_boxes_that_hardly_overlap_all_stay() -> None:
    rows: Rows = [((0, 0, 10, 10), 0.5, 50), ((7, 0, 17, 10), 0.9, 50)]
    assert len(suppress_overlapping(candidates_of(rows))) == 2


def test_of_no_candidates_none_stays() -> None:
    assert len(suppress_overlapping(candidates_of([]))) == 0


def test_overlap_is_intersection_over_union() -> None:
    boxes = np.array([(0, 0, 10, 10), (5, 0, 15, 10), (20, 20, 30, 30)], np.float32)
    assert intersections_over_union(boxes[0], boxes) == pytest.approx([1, 1 / 3, 0])


def test_boxes_and_landmarks_are_mapped_together() -> None:
    mapped = candidates_of([((1, 2, 3, 4), 0.5, 50)]).mapped((2, 10), (100, 1000))
    assert mapped.boxes.tolist() == [[102, 1020, 106, 1040]]
    assert mapped.landmarks[0, 0].tolist() == [102, 1020]
    assert mapped.seen_heights.tolist() == [50]


def test_parts_are_put_one_after_the_other() -> None:
    one, two = (candidates_of([((0, 0, 1, 1), score, 50)]) for score in (0.25, 0.75))
    both = concatenate([one, two])
    assert both.scores.tolist() == [0.25, 0.75]
    assert both.above(0.5).scores.tolist() == [0.75]
