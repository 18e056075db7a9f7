"""What may be faces: boxes with scores, several of one face, and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MAX_CANDIDATES = 10_000  # the best ones; more take seconds, where a caller asks for nearly all

MAX_OVERLAP = 0.3
"""Boxes with a larger intersection over union than this are of one face."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may be faces; N of them.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels, not clipped to the image, shape (N, 4).
        scores: 0..1, shape (N,).
        landmarks: x, y of five points in the order of `shared.core.models.Face`, shape (N, 5, 2).
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats

    def __len__(self) -> int:
        """Return N."""
        return len(self.scores)

    @property
    def centres(self) -> Floats:
        """The centres of the boxes, shape (N, 2)."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) * np.float32(0.5)

    @property
    def sizes(self) -> Floats:
        """The widths and heights of the boxes, shape (N, 2)."""
        return self.boxes[:, 2:] - self.boxes[:, :2]

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """Return those that a mask or an index selects."""
        return Candidates(self.boxes[which], self.scores[which], self.landmarks[which])

    def mapped(self, scale: Sequence[float], shift: Sequence[float]) -> "Candidates":
        """Return them in the frame where a point p lies at p * scale + shift, for x and y each."""
        factors, shifts = np.array(scale, np.float32), np.array(shift, np.float32)
        boxes = self.boxes * np.tile(factors, 2) + np.tile(shifts, 2)
        return Candidates(boxes, self.scores, self.landmarks * factors + shifts)


def concatenate(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of all parts, of which there is at least one."""
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
    )


def suppress_overlapping(candidates: Candidates) -> Candidates:
    """Return the best candidate of each face, by non-maximum suppression, best first."""
    rectangles = np.concatenate([candidates.boxes[:, :2], candidates.sizes], axis=1)
    kept = cv2.dnn.NMSBoxes(
        rectangles.tolist(),
        candidates.scores.tolist(),
        score_threshold=0.0,
        top_k=_MAX_CANDIDATES,
        nms_threshold=MAX_OVERLAP,
    )
    return candidates.take(np.asarray(kept, np.intp))


def intersections(box: Floats, boxes: Floats) -> Floats:
    """Return the area that a box, shape (4,), shares with each of others, shape (N, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=1), np.float32)


def intersections_over_union(box: Floats, boxes: Floats) -> Floats:
    """Return how much a box, shape (4,), overlaps with each of others, shape (N, 4); 0..1."""
    common = intersections(box, boxes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(common / (areas - common), np.float32)
