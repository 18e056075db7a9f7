"""Detects faces: every face for hiding, or only those that people can be recognised by.

For hiding, every pixel of a Full HD photo is processed, and the photo rotated by a quarter turn as
well. For recognition, a smaller photo is enough.
"""

import math
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.photos.models import Box, DetectionProfile, Face, Landmarks, Photo
from shared.core.photos.ports import Detector
from shared.core.recognition.detection import MIN_CONFIDENCE, MIN_RECOGNISABLE_SIDE
from shared.vision.detections import (
    Detections,
    concatenate,
    intersection_areas,
    non_maximum_suppression,
)
from shared.vision.inference_passes import FULL_HD, run_pass, run_rotated_pass
from shared.vision.refinement import CERTAIN_SCORE, UPRIGHT_SCORE, DetectionRefiner
from shared.vision.resizing import Image, longer_side
from shared.vision.yunet import YuNet

# At most this many pixels are processed in a pass.
_HIDING_PIXELS = 4 * FULL_HD
_ROTATED_PIXELS = 960 * 540  # for hiding, of the rotated photo
_RECOGNITION_PIXELS = 800 * 450

# The lowest score of a face to hide, by its longer side in pixels, at most; small faces score less.
_HIDING_SCORES = ((15, 0.25), (24, 0.15), (math.inf, 0.25))
# Two boxes show the same face if they share at least this part of the smaller one,
_NESTED = 0.7
_NESTED_DOUBTFUL = 0.4  # or this part, if the one with the lower score is doubtful

_MIN_BRIGHTNESS = 96  # of the brightest part of a photo, 0..255; a darker photo is brightened
_BRIGHTNESS_ROWS = (
    256  # the number of rows or columns that are sampled to measure it, approximately
)


class YuNetDetector(Detector):
    """Runs the passes of a profile, and verifies and aligns what they detect."""

    def __init__(self, network: YuNet, refiner: DetectionRefiner) -> None:
        self._network = network
        self._refiner = refiner

    @override
    def detect(
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        image = _brighten(photo.upright_bgr)
        if profile is DetectionProfile.HIDING:
            faces = self._detect_all(image, threshold)
        else:
            faces = self._detect_usable(image, MIN_CONFIDENCE if threshold is None else threshold)
        return _as_faces(faces, photo.upright_size)

    def _detect_all(self, image: Image, threshold: float | None) -> Detections:
        """Return every face at any rotation.

        The network detects upright and upside-down faces; a quarter turn shows it the others.
        """
        min_score = min(score for _, score in _HIDING_SCORES) if threshold is None else threshold
        parts = []
        for run, pixels, is_rotated in (
            (run_pass, _HIDING_PIXELS, False),
            (run_rotated_pass, _ROTATED_PIXELS, True),
        ):
            found = non_maximum_suppression(run(self._network, image, pixels, min_score))
            if threshold is None:
                found = found.take(found.scores >= _min_hiding_scores(found))
            parts.append(self._refiner.verify(image, found, is_rotated=is_rotated))
        faces = non_maximum_suppression(concatenate(parts))
        is_usable = faces.sizes.min(axis=1) >= MIN_RECOGNISABLE_SIDE
        usable, _ = self._refiner.align(image, faces.take(is_usable))
        return _drop_nested(concatenate([usable, faces.take(~is_usable)]))

    def _detect_usable(self, image: Image, threshold: float) -> Detections:
        """Return the faces that people can be recognised by.

        The rotated pass only runs if the first pass does not detect a clearly upright face.
        """
        found = run_pass(self._network, image, _RECOGNITION_PIXELS, threshold)
        if found.scores.max(initial=0) < UPRIGHT_SCORE:
            rotated = run_rotated_pass(self._network, image, _RECOGNITION_PIXELS, threshold)
            found = concatenate([found, rotated])
        found = found.take(found.sizes.min(axis=1) >= MIN_RECOGNISABLE_SIDE)
        faces, is_face = self._refiner.align(image, non_maximum_suppression(found))
        return _drop_nested(faces.take(is_face))


def _brighten(image: Image) -> Image:
    """Return a dark photo with its contrast stretched, any other photo itself.

    The brightest part decides, averaged over some pixels: a small bright face in a dark photo must
    not be overexposed.
    """
    step = max(1, longer_side(image) // _BRIGHTNESS_ROWS)
    brightest = int(cv2.blur(image[::step, ::step], (3, 3)).max())
    if brightest >= _MIN_BRIGHTNESS or brightest == 0:
        return image
    return np.asarray(cv2.convertScaleAbs(image, alpha=255 / brightest), np.uint8)


def _min_hiding_scores(faces: Detections) -> NDArray[np.float32]:
    """Return the lowest score for each face to be hidden, by its size; shape (N,)."""
    sizes, scores = zip(*_HIDING_SCORES, strict=True)
    which = np.searchsorted(sizes, faces.sizes.max(axis=1))
    return np.asarray(np.array(scores, np.float32)[which])


def _drop_nested(faces: Detections) -> Detections:
    """Return the faces without those that mostly cover a face with a higher score.

    A doubtful face is dropped at a smaller overlap.
    """
    kept = np.ones(len(faces), bool)
    areas = faces.sizes.prod(axis=1)
    for number, score in enumerate(faces.scores):
        common = intersection_areas(faces.boxes[number], faces.boxes)
        shares = common / np.minimum(areas, areas[number])
        is_better = faces.scores > score
        is_same = (shares >= _NESTED) & is_better
        if score < CERTAIN_SCORE:
            is_same |= (shares >= _NESTED_DOUBTFUL) & is_better & (faces.scores >= CERTAIN_SCORE)
        kept[number] = not is_same.any()
    return faces.take(kept)


def _as_faces(detections: Detections, size: tuple[int, int]) -> tuple[Face, ...]:
    """Return the faces inside an image of (width, height), their boxes clipped, largest first."""
    boxes = detections.boxes.clip(0, np.array((*size, *size), np.float32)).tolist()
    scores, landmarks = detections.scores.tolist(), detections.landmarks.tolist()
    faces = [
        Face(Box(*box), score, cast("Landmarks", tuple(map(tuple, points))))
        for box, score, points in zip(boxes, scores, landmarks, strict=True)
    ]
    inside = [face for face in faces if min(face.box.width, face.box.height) >= 1]
    return tuple(sorted(inside, key=lambda face: face.box.area, reverse=True))
