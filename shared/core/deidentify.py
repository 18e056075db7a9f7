"""Hiding the faces of a photo."""

from dataclasses import dataclass

from shared.core import geometry
from shared.core.deadline import Deadline
from shared.core.errors import NoFaceError
from shared.core.hide_options import HideOptions
from shared.core.models import Box, DetectionScale, ImageFormat
from shared.core.ports import Detector, Images, Masker


@dataclass(frozen=True, slots=True)
class HiddenFace:
    """A face that was hidden: its box in the STORED grid, inside the image; confidence 0..1."""

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A photo without its faces: the file, its format, and what was hidden, largest first."""

    file: bytes
    format: ImageFormat
    faces: tuple[HiddenFace, ...]


def deidentify(
    images: Images,
    detector: Detector,
    masker: Masker,
    *,
    data: bytes,
    options: HideOptions,
    deadline: Deadline,
) -> Deidentified:
    """Find the faces of an image file and hide them.

    Raises:
        ImageError: the file cannot be used, or (NoFaceError) shows no face.
        AnalysisTimeoutError: the deadline passed between two steps.

    """
    photo = images.decode(data)
    deadline.check()
    found = detector.detect(photo, scale=DetectionScale.THOROUGH, threshold=options.threshold)
    faces = [f for f in found if min(f.box.width, f.box.height) >= options.min_face]
    if not faces:
        raise NoFaceError
    deadline.check()
    hidden = masker.hide(photo, faces, options.method)
    if options.draw:
        hidden = masker.draw(hidden, faces)
    deadline.check()
    file = images.encode(hidden)
    deadline.check()
    width, height = photo.upright_size
    return Deidentified(
        file=file,
        format=photo.format,
        faces=tuple(
            HiddenFace(
                box=geometry.to_stored(
                    geometry.clip(face.box, width, height), photo.orientation, width, height
                ),
                confidence=face.confidence,
            )
            for face in faces
        ),
    )


def deidentify_any(
    images: Images,
    detector: Detector,
    masker: Masker,
    *,
    data: bytes,
    options: HideOptions,
    deadline: Deadline,
) -> Deidentified:
    """Hide the faces of an image file as `deidentify` does, also of one that shows none.

    There is nothing to hide in it then, but its metadata goes all the same.

    Raises:
        ImageError: the file cannot be used.
        AnalysisTimeoutError: the deadline passed between two steps.

    """
    try:
        return deidentify(images, detector, masker, data=data, options=options, deadline=deadline)
    except NoFaceError:
        photo = images.decode(data)
        return Deidentified(images.encode(photo), photo.format, faces=())
