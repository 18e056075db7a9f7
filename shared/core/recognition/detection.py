"""Detects the faces of an image that are good enough for recognition."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core import errors
from shared.core.deadline import Deadline
from shared.core.photos import geometry
from shared.core.photos.models import Box, DetectionProfile, Face, ImageFormat, Photo, Point, Pose
from shared.core.photos.ports import Detector, PoseEstimator, Vision

MAX_FILE_BYTES = 5_000_000  # bytes
MIN_IMAGE_SIDE = 80  # pixels of the image
MIN_FACE_SIDE = 60  # pixels
MIN_RECOGNISABLE_SIDE = 40  # pixels of a face; smaller ones are too often not recognised
MIN_CONFIDENCE = 0.5  # of a face to recognise
MAX_FACES = 20
_FORMATS = (ImageFormat.JPEG, ImageFormat.PNG)


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An image from a caller: its bytes, or their URL."""

    data: bytes = b""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class FaceDetail:
    """The description of a face for callers; positions are ratios 0..1 of the upright image."""

    box: Box
    landmarks: tuple[Point, ...]
    pose: Pose
    confidence: float


def detect(vision: Vision, image: ImageInput, deadline: Deadline) -> tuple[FaceDetail, ...]:
    """Return up to 20 faces of an image, largest first.

    Raises:
        ImageError, InvalidParameterError: as `load` does.
    """
    photo = load(vision, image)
    return describe(vision.poses, photo, find_faces(vision.detector, photo, deadline))


def load(vision: Vision, image: ImageInput) -> Photo:
    """Return the decoded image.

    Raises:
        ImageError: it cannot be fetched, is too large, or is not a PNG or JPEG file.
        InvalidParameterError: it is smaller than 80x80 pixels.
    """
    data = image.data if image.url is None else vision.source.fetch(image.url)
    if len(data) > MAX_FILE_BYTES:
        raise errors.ImageTooLargeError
    photo = vision.codec.decode(data)
    if photo.format not in _FORMATS:
        raise errors.UnsupportedImageError
    if min(photo.upright_size) < MIN_IMAGE_SIDE:
        raise errors.InvalidParameterError(
            "image", f"must be at least {MIN_IMAGE_SIDE} px wide and high"
        )
    return photo


def find_faces(
    detector: Detector,
    photo: Photo,
    deadline: Deadline,
    *,
    min_side: float = MIN_FACE_SIDE,
    max_faces: int | None = MAX_FACES,
) -> tuple[Face, ...]:
    """Return up to `max_faces` faces, no side shorter than `min_side` pixels, largest first."""
    deadline.check()
    found = detector.detect(photo, profile=DetectionProfile.RECOGNITION)
    deadline.check()
    large = (face for face in found if min(face.box.width, face.box.height) >= min_side)
    return tuple(large)[:max_faces]


def find_largest(detector: Detector, photo: Photo, deadline: Deadline) -> Face:
    """Return the largest face.

    Raises:
        NoFaceError: no face has at least 60x60 pixels.
    """
    faces = find_faces(detector, photo, deadline)
    if not faces:
        raise errors.NoFaceError
    return faces[0]


def describe(poses: PoseEstimator, photo: Photo, faces: Sequence[Face]) -> tuple[FaceDetail, ...]:
    """Return the description of each face for callers."""
    width, height = photo.upright_size
    return tuple(
        FaceDetail(
            box=geometry.as_ratios(face.box, width, height),
            landmarks=tuple((_ratio(x, width), _ratio(y, height)) for x, y in face.landmarks),
            pose=pose,
            confidence=face.confidence,
        )
        for face, pose in zip(faces, poses.estimate(photo, faces), strict=True)
    )


def _ratio(value: float, size: int) -> float:
    return min(max(value / size, 0.0), 1.0)
