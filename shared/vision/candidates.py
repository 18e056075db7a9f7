"""What may be faces: many overlapping boxes, and how to choose among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAME_FACE = 0.3
"""Boxes that overlap more than this, as intersection over union, are of one face."""

_EXACT_HEIGHTS = (24, 320)  # pixels; of faces seen larger or smaller the boxes are less exact


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may be faces; the arrays are of one length.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels, not clipped, shape (N, 4).
        scores: 0..1, shape (N,).
        landmarks: five points (x, y) in the order of `shared.core.models.Face`, shape (N, 5, 2).
        seen_heights: of the boxes in the image that the network saw, in its pixels, shape (N,).

    """

    boxes: Floats
    scores: Floats
    landmarks: Floats
    seen_heights: Floats

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.scores)

    @property
    def centres(self) -> Floats:
        """The middles of the boxes, shape (N, 2)."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    @property
    def heights(self) -> Floats:
        """The heights of the boxes, in pixels."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """Return those that a mask or an index names."""
        return Candidates(
            self.boxes[which], self.scores[which], self.landmarks[which], self.seen_heights[which]
        )

    def above(self, threshold: float) -> "Candidates":
        """Return those with at least this score."""
        return self.take(self.scores >= threshold)

    def mapped(self, scale: tuple[float, float], shift: tuple[float, float]) -> "Candidates":
        """Return them in the frame where a point p lies at p * scale + shift."""
        factors, shifts = np.array(scale, np.float32), np.array(shift, np.float32)
        points = self.landmarks * factors + shifts
        corners = self.boxes.reshape(-1, 2, 2) * factors + shifts
        return Candidates(corners.reshape(-1, 4), self.scores, points, self.seen_heights)


def join(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of all parts, of which there is at least one."""
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.seen_heights for part in parts]),
    )


def choose(candidates: Candidates) -> Candidates:
    """Return the best one of those that overlap (non-maximum suppression).

    One that was seen at a size where boxes are exact is better than one that was not; among
    those, the higher score is.
    """
    heights = candidates.seen_heights
    exact = (heights >= _EXACT_HEIGHTS[0]) & (heights <= _EXACT_HEIGHTS[1])
    corners, sizes = candidates.boxes[:, :2], candidates.boxes[:, 2:] - candidates.boxes[:, :2]
    kept = cv2.dnn.NMSBoxes(
        np.concatenate([corners, sizes], axis=1).tolist(),
        (candidates.scores + exact).tolist(),
        score_threshold=0.0,
        nms_threshold=SAME_FACE,
    )
    return candidates.take(np.asarray(kept, np.intp))


def overlap(box: Floats, boxes: Floats) -> Floats:
    """Return the intersection over union of a box, shape (4,), with each of others, shape (N, 4)."""
    corners = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(corners[1] - corners[0], 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(shared / (areas + (box[2:] - box[:2]).prod() - shared), np.float32)
