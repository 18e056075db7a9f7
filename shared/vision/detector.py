"""Finds faces: to hide all of them, or to recognise people by those that are usable.

To hide faces, every pixel of a Full HD photo is looked at, and the photo turned by a quarter too.
To recognise people, a smaller photo will do.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.core.photos.models import Box, DetectionProfile, Face, Landmarks, Photo
from shared.core.recognition.detection import MIN_CONFIDENCE, MIN_RECOGNISABLE_SIDE
from shared.vision.candidates import (
    Candidates,
    Floats,
    concatenate,
    intersections,
    suppress_overlapping,
)
from shared.vision.looks import FULL_HD, look, look_turned
from shared.vision.resizing import Image, longer_side
from shared.vision.second_looks import SURE, UPRIGHT_SCORE, SecondLooks
from shared.vision.yunet import YuNet

_HIDING_PIXELS = 4 * FULL_HD  # that the network is shown, at most
_TURNED_PIXELS = 960 * 540  # of a photo that was turned by a quarter
_RECOGNITION_PIXELS = 800 * 450  # of a photo to recognise people in

# The least score of a face to hide, by its size in pixels; small faces score less.
_HIDING_SCORES = ((15, 0.25), (24, 0.15), (math.inf, 0.25))
# How much of the smaller of two boxes the other covers where both are of one face.
_NESTED = 0.7
_NESTED_DOUBTFUL = 0.4  # where the one with the lower score is doubtful

_BRIGHT_ENOUGH = 96  # of 255, that the brightest part of a photo should reach
_ROWS = 256  # of pixels, or columns, by which the brightness of a photo is judged


class YuNetDetector:
    """Implements `Detector`."""

    def __init__(self, network: YuNet, second_looks: SecondLooks) -> None:
        """Take the network that finds faces, and what looks at them again."""
        self._network = network
        self._second_looks = second_looks

    def detect(
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first, their boxes clipped to it.

        Args:
            photo: of any size.
            profile: what faces are looked for.
            threshold: the least score of a face, 0..1; None is the profile's own.
        """
        image = _brighten(photo.upright_bgr)
        if profile is DetectionProfile.HIDING:
            faces = self._find_all(image, threshold)
        else:
            faces = self._find_usable(image, MIN_CONFIDENCE if threshold is None else threshold)
        return _as_faces(faces, photo.upright_size)

    def _find_all(self, image: Image, threshold: float | None) -> Candidates:
        """Return every face, however it is turned.

        The network finds faces that stand upright or on their head, so one quarter turn shows it
        the others.
        """
        least = min(score for _, score in _HIDING_SCORES) if threshold is None else threshold
        parts = []
        for find, pixels, is_turned in (
            (look, _HIDING_PIXELS, False),
            (look_turned, _TURNED_PIXELS, True),
        ):
            found = suppress_overlapping(find(self._network, image, pixels, least))
            if threshold is None:
                found = found.take(found.scores >= _least_scores(found))
            parts.append(self._second_looks.judge(image, found, is_turned=is_turned))
        faces = suppress_overlapping(concatenate(parts))
        is_usable = faces.sizes.min(axis=1) >= MIN_RECOGNISABLE_SIDE
        usable, _ = self._second_looks.straighten(image, faces.take(is_usable))
        return _drop_nested(concatenate([usable, faces.take(~is_usable)]))

    def _find_usable(self, image: Image, threshold: float) -> Candidates:
        """Return the faces that people may be recognised by.

        The photo is looked at turned only where nobody surely stands upright in it.
        """
        found = look(self._network, image, _RECOGNITION_PIXELS, threshold)
        if found.scores.max(initial=0) < UPRIGHT_SCORE:
            turned = look_turned(self._network, image, _RECOGNITION_PIXELS, threshold)
            found = concatenate([found, turned])
        large = suppress_overlapping(found.take(found.sizes.min(axis=1) >= MIN_RECOGNISABLE_SIDE))
        faces, is_face = self._second_looks.straighten(image, large)
        return _drop_nested(faces.take(is_face))


def _brighten(image: Image) -> Image:
    """Return a dark photo with its contrast stretched, any other as it is.

    The brightest part counts, not the brightest pixels: a small face in the light must not burn out
    because all around it is dark.
    """
    step = max(1, longer_side(image) // _ROWS)
    sparse = image[::step, ::step]
    brightest = int(cv2.blur(sparse, (3, 3)).max())
    if brightest >= _BRIGHT_ENOUGH or brightest == 0:
        return image
    return np.asarray(cv2.convertScaleAbs(image, alpha=255 / brightest), np.uint8)


def _least_scores(faces: Candidates) -> NDArray[np.float32]:
    """Return the least score of each, to be hidden, by its size."""
    sizes, scores = zip(*_HIDING_SCORES, strict=True)
    which = np.searchsorted(sizes, faces.sizes.max(axis=1))
    least: NDArray[np.float32] = np.array(scores, np.float32)[which]
    return least


def _drop_nested(faces: Candidates) -> Candidates:
    """Return the faces but for boxes inside or around one with a higher score.

    A box that is doubtful goes where less of it is shared.
    """
    kept = np.ones(len(faces), bool)
    areas = faces.sizes.prod(axis=1)
    for number, score in enumerate(faces.scores):
        shares = intersections(faces.boxes[number], faces.boxes) / np.minimum(areas, areas[number])
        is_better = faces.scores > score
        is_one = (shares >= _NESTED) & is_better
        if score < SURE:
            is_one |= (shares >= _NESTED_DOUBTFUL) & is_better & (faces.scores >= SURE)
        kept[number] = not is_one.any()
    return faces.take(kept)


def _as_faces(candidates: Candidates, size: tuple[int, int]) -> tuple[Face, ...]:
    """Return the candidates that are inside an image of a size, largest first."""
    clipped = candidates.boxes.clip(0, np.array((*size, *size), np.float32))
    seen = zip(clipped.tolist(), candidates.scores.tolist(), candidates.landmarks, strict=True)
    faces = [Face(Box(*box), score, _as_points(points)) for box, score, points in seen]
    inside = [face for face in faces if min(face.box.width, face.box.height) >= 1]
    return tuple(sorted(inside, key=lambda face: face.box.area, reverse=True))


def _as_points(landmarks: Floats) -> Landmarks:
    left_eye, right_eye, nose, left_mouth, right_mouth = [(x, y) for x, y in landmarks.tolist()]
    return left_eye, right_eye, nose, left_mouth, right_mouth
