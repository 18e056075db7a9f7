"""Hiding the faces of a photo."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.core.deadline import Deadline
from shared.core.errors import NoFaceError
from shared.core.hiding import gallery
from shared.core.hiding.gallery import HIDDEN, Gallery
from shared.core.hiding.hide_options import HideOptions
from shared.core.hiding.ports import FaceRedactor
from shared.core.photos import geometry
from shared.core.photos.models import Box, DetectionProfile, ImageFormat
from shared.core.photos.ports import Detector, ImageCodec


@dataclass(frozen=True, slots=True)
class TreatedFace:
    """A detected face, hidden or kept.

    Attributes:
        box: in the STORED grid, inside the image.
        confidence: of the detection, 0..1.
        is_hidden: whether it was hidden rather than kept.
        face_id: the matching face of the group, if that was decisive.
    """

    box: Box
    confidence: float
    is_hidden: bool = True
    face_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The de-identified image file, its format, and all detected faces, largest first."""

    file: bytes
    format: ImageFormat
    faces: tuple[TreatedFace, ...]


def deidentify(
    codec: ImageCodec,
    detector: Detector,
    redactor: FaceRedactor,
    open_gallery: Callable[[str], Gallery],
    *,
    data: bytes,
    options: HideOptions,
    deadline: Deadline,
    needs_face: bool = True,
) -> Deidentified:
    """Find the faces in an image file and hide them: all, or those that the options name.

    Args:
        codec: reads and writes the file.
        detector: finds the faces.
        redactor: hides them.
        open_gallery: opens a group of the caller's by name; only called if the options name
            people.
        data: the image file.
        options: what to hide and how.
        deadline: when it must be done.
        needs_face: whether a photo without a face is refused. Otherwise only its metadata is
            removed.

    Raises:
        ImageError: the file cannot be used, or (NoFaceError) it shows no face but needs one.
        GroupError: the people that the options name cannot be found.
        InvalidParameterError: the options name too many people.
        AnalysisTimeoutError: the deadline passed between two steps.
    """
    people = options.people
    group = open_gallery(people.group_id) if people else None
    photo = codec.decode(data)
    deadline.check()
    found = detector.detect(photo, profile=DetectionProfile.HIDING, threshold=options.threshold)
    faces = [f for f in found if min(f.box.width, f.box.height) >= options.min_face]
    if not faces and needs_face:
        raise NoFaceError
    if not faces:
        return Deidentified(codec.encode(photo), photo.format, faces=())
    deadline.check()
    verdicts = (HIDDEN,) * len(faces)
    if people and group:
        verdicts = gallery.judge(group, people, photo=photo, faces=faces, deadline=deadline)
    deadline.check()
    unwanted = [face for face, verdict in zip(faces, verdicts, strict=True) if verdict.is_hidden]
    hidden = redactor.hide(photo, unwanted, options.method)
    if options.draw:
        hidden = redactor.draw(hidden, unwanted)
    deadline.check()
    file = codec.encode(hidden)
    deadline.check()
    width, height = photo.upright_size
    return Deidentified(
        file=file,
        format=photo.format,
        faces=tuple(
            TreatedFace(
                box=geometry.to_stored(
                    geometry.clip(face.box, width, height), photo.orientation, width, height
                ),
                confidence=face.confidence,
                is_hidden=verdict.is_hidden,
                face_id=verdict.face_id,
            )
            for face, verdict in zip(faces, verdicts, strict=True)
        ),
    )
