"""Comparing the largest face of one image with the faces of another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.core.deadline import Deadline
from shared.core.errors import ImageError
from shared.core.photos import geometry
from shared.core.photos.models import Box
from shared.core.photos.ports import Vision
from shared.core.recognition import detection
from shared.core.recognition.detection import FaceDetail, ImageInput
from shared.core.recognition.ports import Recognizer


@dataclass(frozen=True, slots=True)
class ComparedFace:
    """A face of the target and its similarity, 0..100, to the source's."""

    detail: FaceDetail
    similarity: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The face of the source, and those of the target by the threshold, most similar first."""

    source_box: Box
    source_confidence: float
    matched: tuple[ComparedFace, ...]
    unmatched: tuple[ComparedFace, ...]


def compare(
    vision: Vision,
    recognizer: Recognizer,
    *,
    source: ImageInput,
    target: ImageInput,
    threshold: float,
    deadline: Deadline,
) -> Comparison:
    """Compare two images.

    Raises:
        ImageError: an image cannot be used; `which` is "Source" or "Target".
        NoFaceError: the source shows no face. For a target without a face both lists are empty.
    """
    with _errors_name("Source"):
        source_photo = detection.load(vision, source)
    with _errors_name("Target"):
        target_photo = detection.load(vision, target)
    source_face = detection.find_largest(vision.detector, source_photo, deadline)
    target_faces = detection.find_faces(vision.detector, target_photo, deadline)
    (source_vector,) = recognizer.embedder.embed(source_photo, [source_face])
    deadline.check()
    target_vectors = recognizer.embedder.embed(target_photo, target_faces)
    similarities = recognizer.calibration.similarity(target_vectors @ source_vector)
    details = detection.describe(vision.poses, target_photo, target_faces)
    compared = [
        ComparedFace(detail, float(similarity))
        for detail, similarity in zip(details, similarities, strict=True)
    ]
    compared.sort(key=lambda face: -face.similarity)
    return Comparison(
        source_box=geometry.as_ratios(source_face.box, *source_photo.upright_size),
        source_confidence=source_face.confidence,
        matched=tuple(face for face in compared if face.similarity >= threshold),
        unmatched=tuple(face for face in compared if face.similarity < threshold),
    )


@contextmanager
def _errors_name(which: str) -> Iterator[None]:
    """Add to image errors which of the two images they are about."""
    try:
        yield
    except ImageError as error:
        error.which = which
        raise
