"""What may be faces: boxes with scores, many of one face, and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAME_FACE = 0.3
"""Boxes with a larger intersection over union than this are of one face."""

_EXACT_HEIGHTS = (24, 320)  # pixels; boxes of faces seen smaller or larger are less exact


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may be faces; N of them.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels, not clipped to the image, shape (N, 4).
        scores: 0..1, shape (N,).
        landmarks: x, y of five points in the order of `shared.core.models.Face`, shape (N, 5, 2).
        seen_heights: of the boxes in what the network was shown, in its pixels, shape (N,).
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats
    seen_heights: Floats

    def __len__(self) -> int:
        """Return N."""
        return len(self.scores)

    @property
    def centres(self) -> Floats:
        """The centres of the boxes, shape (N, 2)."""
        return self.boxes[:, :2] + self.sizes * np.float32(0.5)

    @property
    def sizes(self) -> Floats:
        """The widths and heights of the boxes, shape (N, 2)."""
        return self.boxes[:, 2:] - self.boxes[:, :2]

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """Return those that a mask or an index selects."""
        return Candidates(
            self.boxes[which], self.scores[which], self.landmarks[which], self.seen_heights[which]
        )

    def above(self, threshold: float) -> "Candidates":
        """Return those with at least this score."""
        return self.take(self.scores >= threshold)

    def mapped(self, scale: tuple[float, float], shift: tuple[float, float]) -> "Candidates":
        """Return them in the frame where a point p lies at p * scale + shift."""
        factors, shifts = np.array(scale, np.float32), np.array(shift, np.float32)
        boxes = self.boxes * np.tile(factors, 2) + np.tile(shifts, 2)
        landmarks = self.landmarks * factors + shifts
        return Candidates(boxes, self.scores, landmarks, self.seen_heights)


def concatenate(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of all parts, of which there is at least one."""
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.seen_heights for part in parts]),
    )


def suppress_overlapping(candidates: Candidates) -> Candidates:
    """Return one candidate for each face, by non-maximum suppression.

    One that was seen at a size where boxes are exact goes before one that was not, and a higher
    score before a lower one.
    """
    exact_low, exact_high = _EXACT_HEIGHTS
    heights = candidates.seen_heights
    ranks = candidates.scores + ((heights >= exact_low) & (heights <= exact_high))
    rectangles = np.concatenate([candidates.boxes[:, :2], candidates.sizes], axis=1)
    kept = cv2.dnn.NMSBoxes(
        rectangles.tolist(), ranks.tolist(), score_threshold=0.0, nms_threshold=SAME_FACE
    )
    return candidates.take(np.asarray(kept, np.intp))


def intersections_over_union(box: Floats, boxes: Floats) -> Floats:
    """Return how much a box, shape (4,), overlaps with each of others, shape (N, 4); 0..1."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(common / (areas - common), np.float32)
