"""Finds faces: a coarse look at the whole photo, then closer looks where small faces may be.

The network finds faces of 20 to 350 pixels, and its time goes with the pixels that it is shown.
So the photo is first shown whole, at two small scales; then small faces are searched for where they
may be (`closer_looks`). What is doubtful gets a second look at a scale that the network knows well.

Faces may be turned in the image's plane, but of small ones many are missed from 90 degrees on: the
photo as a whole has to stand upright.
"""

import math
from dataclasses import dataclass

import numpy as np

from shared.core.detection import LEAST_CONFIDENCE
from shared.core.models import Box, DetectionScale, Face, Photo
from shared.vision.candidates import (
    SAME_FACE,
    Candidates,
    Floats,
    concatenate,
    intersections_over_union,
    suppress_overlapping,
)
from shared.vision.centerface import CenterFace
from shared.vision.closer_looks import SURE, look_closer
from shared.vision.session import Session
from shared.vision.windows import Image, count_pixels, look, place_window, zoom_image


@dataclass(frozen=True, slots=True)
class _Policy:
    """How thoroughly to look.

    Attributes:
        threshold: the least score of a face.
        most_pixels: of the coarse look, where the photo is large.
        looks_closer: whether small faces are searched for, and doubtful ones looked at twice.
    """

    threshold: float
    most_pixels: int
    looks_closer: bool


_COARSE_PIXELS = 800 * 450  # of the coarse look at a Full HD photo, and at smaller ones
_POLICIES = {
    DetectionScale.RECOGNITION: _Policy(LEAST_CONFIDENCE, _COARSE_PIXELS, looks_closer=False),
    DetectionScale.THOROUGH: _Policy(0.2, 4 * _COARSE_PIXELS, looks_closer=True),
}

_REDUCTION = 12 / 5  # from closer looks to the coarse one: a face of 20 pixels just shows in it
_WORTHWHILE = 1.1  # times the coarse look's scale, that closer ones must have
_FAINTEST = 0.004  # the score of a peak in the coarse look that may be a small face
_LARGEST = 320  # pixels; where a face may be larger in the coarse look, there is an overview too
_OVERVIEW_PIXELS = 224 * 126
_OVERVIEW_HEIGHT = 40  # pixels; the coarse look sees smaller faces better
_LONGEST = 8192  # pixels that the network is shown in one direction
_SMALL_PHOTO = 192  # pixels of the longer side that smaller photos are enlarged to,
_MOST_ENLARGED = 3.0  # but not by more than this

_SECOND_LOOKS = 16  # the largest doubtful faces get one
_SECOND_WINDOW = 96  # pixels in each direction,
_SECOND_HEIGHT = 32  # for a face of this height
_NO_FACE = 0.06  # what scores less at the second look is none


class CenterFaceDetector:
    """Fills the port `Detector`."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network `centerface`."""
        self._network = CenterFace(session)

    def detect(
        self, photo: Photo, *, scale: DetectionScale, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first, their boxes clipped to it.

        Args:
            photo: of any size.
            scale: how thoroughly to look.
            threshold: the least score of a face, 0..1; None is the scale's own.

        """
        policy = _POLICIES[scale]
        least = policy.threshold if threshold is None else threshold
        image = photo.upright_bgr
        zoom = _coarse_zoom(image, policy)
        if not policy.looks_closer:
            faces = suppress_overlapping(self._glance(image, zoom, least))
            return _as_faces(faces, photo.upright_size)
        peaks = self._glance(image, zoom, min(least, _FAINTEST))
        closer = min(1.0, zoom * _REDUCTION)
        if closer > _WORTHWHILE * zoom:
            found = look_closer(self._network, image, peaks, closer, least)
        else:
            found = peaks.above(least)
        faces = self._look_twice(image, suppress_overlapping(found))
        return _as_faces(faces, photo.upright_size)

    def _glance(self, image: Image, zoom: float, threshold: float) -> Candidates:
        """Return what the whole photo shows at the coarse scale, and faces that fill it."""
        coarse = zoom_image(image, zoom)
        found = self._see(coarse, image, threshold)
        if max(coarse.shape) <= _LARGEST:
            return found
        overview = zoom_image(coarse, min(1.0, math.sqrt(_OVERVIEW_PIXELS / count_pixels(coarse))))
        large = self._see(overview, image, threshold)
        return concatenate([found, large.take(large.seen_heights >= _OVERVIEW_HEIGHT)])

    def _see(self, zoomed: Image, image: Image, threshold: float) -> Candidates:
        (found,) = self._network.find([zoomed], threshold)
        scale = image.shape[1] / zoomed.shape[1], image.shape[0] / zoomed.shape[0]
        return found.mapped(scale, (0, 0))

    def _look_twice(self, image: Image, faces: Candidates) -> Candidates:
        """Return the faces but for those that a second look clearly shows to be none."""
        heights = faces.sizes[:, 1]
        doubtful = np.flatnonzero(faces.scores < SURE)
        doubtful = doubtful[np.argsort(-heights[doubtful])][:_SECOND_LOOKS]
        if not len(doubtful):
            return faces
        sides = heights[doubtful] / _SECOND_HEIGHT * _SECOND_WINDOW
        windows = [
            place_window(centre, float(side), image)
            for centre, side in zip(faces.centres[doubtful], sides, strict=True)
        ]
        seen = look(self._network, image, windows, (_SECOND_WINDOW, _SECOND_WINDOW), _NO_FACE)
        kept = np.ones(len(faces), bool)
        for index, candidates in zip(doubtful, seen, strict=True):
            overlaps = intersections_over_union(faces.boxes[index], candidates.boxes)
            kept[index] = np.any(overlaps > SAME_FACE)
        return faces.take(kept)


def _coarse_zoom(image: Image, policy: _Policy) -> float:
    longer = int(max(image.shape[:2]))
    if longer < _SMALL_PHOTO:
        return min(_MOST_ENLARGED, _SMALL_PHOTO / longer)
    pixels = count_pixels(image)
    shown = min(max(_COARSE_PIXELS, pixels / _REDUCTION**2), policy.most_pixels)
    return min(1.0, math.sqrt(shown / pixels), _LONGEST / longer)


def _as_faces(candidates: Candidates, size: tuple[int, int]) -> tuple[Face, ...]:
    """Return the candidates that are inside an image of a size, largest first."""
    clipped = candidates.boxes.clip(0, np.array((*size, *size), np.float32))
    faces = map(_as_face, clipped, candidates.scores, candidates.landmarks)
    inside = [face for face in faces if min(face.box.width, face.box.height) >= 1]
    return tuple(sorted(inside, key=lambda face: face.box.area, reverse=True))


def _as_face(box: Floats, score: np.float32, landmarks: Floats) -> Face:
    left_eye, right_eye, nose, left_mouth, right_mouth = [
        (float(x), float(y)) for x, y in landmarks
    ]
    points = left_eye, right_eye, nose, left_mouth, right_mouth
    return Face(Box(*box.tolist()), float(score), points)
