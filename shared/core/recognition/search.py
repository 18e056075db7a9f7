"""Finds the most similar faces of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core.deadline import Deadline
from shared.core.errors import FaceNotFoundError
from shared.core.photos import geometry
from shared.core.photos.models import Box
from shared.core.photos.ports import Vision
from shared.core.recognition import detection
from shared.core.recognition.detection import ImageInput
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.ports import FaceIndex, Faces, Recognizer, Sealer

if TYPE_CHECKING:  # a function that compares no vectors starts without numpy
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.recognition.similarity import Calibration


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """A face of the group and its similarity, 0..100, to the query face."""

    face: StoredFace
    similarity: float


@dataclass(frozen=True, slots=True)
class ImageSearch:
    """The largest face of an image, its box in ratios 0..1, and the faces most similar to it."""

    box: Box
    confidence: float
    matches: tuple[FaceMatch, ...]


def by_face_id(
    faces: Faces,
    sealer: Sealer,
    index: FaceIndex,
    recognizer: Recognizer,
    *,
    group: Group,
    face_id: str,
    limit: int,
    threshold: float,
) -> tuple[FaceMatch, ...]:
    """Return the faces most similar to one of the group, without that one, most similar first.

    Raises:
        FaceNotFoundError: the group has no such face.
    """
    face = faces.get_many(group, [face_id]).get(face_id)
    if face is None:
        raise FaceNotFoundError
    vector = sealer.open(group, face_id, face.sealed_vector)
    found = _nearest(faces, index, recognizer.calibration, group, vector, limit + 1, threshold)
    return tuple(match for match in found if match.face.face_id != face_id)[:limit]


def by_image(
    vision: Vision,
    faces: Faces,
    index: FaceIndex,
    recognizer: Recognizer,
    *,
    group: Group,
    image: ImageInput,
    limit: int,
    threshold: float,
    deadline: Deadline,
) -> ImageSearch:
    """Return the faces of the group most similar to the largest face of an image, best first.

    Raises:
        ImageError: the image cannot be used.
        NoFaceError: it shows no face of at least 60x60 pixels.
    """
    photo = detection.load(vision, image)
    face = detection.find_largest(vision.detector, photo, deadline)
    (vector,) = recognizer.embedder.embed(photo, [face])
    return ImageSearch(
        box=geometry.as_ratios(face.box, *photo.upright_size),
        confidence=face.confidence,
        matches=_nearest(faces, index, recognizer.calibration, group, vector, limit, threshold),
    )


def _nearest(
    faces: Faces,
    index: FaceIndex,
    calibration: Calibration,
    group: Group,
    vector: NDArray[np.float32],
    limit: int,
    threshold: float,
) -> tuple[FaceMatch, ...]:
    face_ids, scores = index.search(
        group, vector, limit=limit, min_score=calibration.score(threshold)
    )
    stored = faces.get_many(group, face_ids)  # without faces that have just been removed
    similarities = calibration.similarity(scores)
    return tuple(
        FaceMatch(stored[face_id], float(similarity))
        for face_id, similarity in zip(face_ids, similarities, strict=True)
        if face_id in stored
    )
