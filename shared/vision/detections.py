"""Arrays of detections: boxes, scores and landmarks, and non-maximum suppression among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MAX_DETECTIONS = 10_000  # best first; with a tiny threshold there are more, which takes seconds

MAX_IOU = 0.3
"""Boxes with a larger intersection over union show the same face."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N detections in one image, float32, in its pixels.

    Attributes:
        boxes: x1, y1, x2, y2, not clipped to the image, shape (N, 4).
        scores: 0..1, shape (N,).
        landmarks: x, y of the five landmarks of `shared.core.photos.models.Face`, in that order,
            shape (N, 5, 2).
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

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Detections":
        """Return the detections that a mask or an index array selects."""
        return Detections(self.boxes[which], self.scores[which], self.landmarks[which])

    def mapped(self, scale: Sequence[float], shift: Sequence[float] = (0, 0)) -> "Detections":
        """Return the detections in a frame in which a point p becomes p * scale + shift (x, y)."""
        factors, shifts = np.array(scale, np.float32), np.array(shift, np.float32)
        boxes = self.boxes * np.tile(factors, 2) + np.tile(shifts, 2)
        return Detections(boxes, self.scores, self.landmarks * factors + shifts)


def concatenate(parts: Sequence[Detections]) -> Detections:
    """Return the detections of all parts; there must be at least one part."""
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
    )


def non_maximum_suppression(detections: Detections) -> Detections:
    """Return the best detection of each face, best first."""
    rectangles = np.concatenate([detections.boxes[:, :2], detections.sizes], axis=1)
    scores = detections.scores.tolist()
    kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores, 0.0, MAX_IOU, top_k=_MAX_DETECTIONS)
    return detections.take(np.asarray(kept, np.intp))


def intersection_areas(box: Floats, boxes: Floats) -> Floats:
    """Return the areas in square pixels that a box (4,) shares with others (N, 4), shape (N,)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=1), np.float32)


def ious(box: Floats, boxes: Floats) -> Floats:
    """Return the intersections over union, 0..1, of a box (4,) with others (N, 4), shape (N,)."""
    common = intersection_areas(box, boxes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(common / (areas - common), np.float32)
