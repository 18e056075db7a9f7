import numpy as np

from shared.vision.detections import Detections, concatenate, non_maximum_suppression

Rows = list[tuple[tuple[float, float, float, float], float]]


def detections_of(rows: Rows) -> Detections:
    """Return detections of (box, score); their points all lie at the box's corner."""
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in rows], np.float32)
    landmarks = np.repeat(boxes[:, np.newaxis, :2], 5, axis=1)
    return Detections(boxes, scores, landmarks)


def test_keeps_the_best_of_overlapping_boxes() -> None:
    kept = non_maximum_suppression(detections_of([((0, 0, 10, 10), 0.5), ((1, 0, 11, 10), 0.9)]))

    assert kept.scores.tolist() == [np.float32(0.9)]
    assert kept.boxes.tolist() == [[1, 0, 11, 10]]
    assert kept.landmarks[0, 0].tolist() == [1, 0]


def test_keeps_boxes_that_hardly_overlap_best_first() -> None:
    rows: Rows = [((0, 0, 10, 10), 0.5), ((7, 0, 17, 10), 0.9)]

    kept = non_maximum_suppression(detections_of(rows))

    assert kept.boxes[:, 0].tolist() == [7, 0]


def test_the_overlap_is_the_intersection_over_union() -> None:
    # Intersection over union: 4 / 16 of the first two boxes, 5 / 15 of the last two.
    rows: Rows = [((0, 0, 10, 10), 0.9), ((6, 0, 16, 10), 0.8), ((11, 0, 21, 10), 0.7)]

    kept = non_maximum_suppression(detections_of(rows))

    assert kept.boxes[:, 0].tolist() == [0, 6]


def test_a_suppressed_box_does_not_suppress_others() -> None:
    rows: Rows = [((0, 0, 10, 10), 0.9), ((5, 0, 15, 10), 0.8), ((10, 0, 20, 10), 0.7)]

    kept = non_maximum_suppression(detections_of(rows))

    assert kept.boxes[:, 0].tolist() == [0, 10]


def test_suppression_accepts_no_detections() -> None:
    assert len(non_maximum_suppression(detections_of([]))) == 0


def test_sizes_are_widths_and_heights() -> None:
    assert detections_of([((1, 2, 4, 8), 0.5)]).sizes.tolist() == [[3, 6]]


def test_boxes_and_landmarks_are_mapped_together() -> None:
    mapped = detections_of([((1, 2, 3, 4), 0.5)]).mapped((2, 10), (100, 1000))

    assert mapped.boxes.tolist() == [[102, 1020, 106, 1040]]
    assert mapped.landmarks[0, 0].tolist() == [102, 1020]
    assert mapped.scores.tolist() == [0.5]


def test_concatenates_parts_in_order() -> None:
    one, two = (detections_of([((0, 0, 1, 1), score)]) for score in (0.25, 0.75))

    both = concatenate([one, two])

    assert both.scores.tolist() == [0.25, 0.75]
    assert both.take(both.scores > 0.5).scores.tolist() == [0.75]
