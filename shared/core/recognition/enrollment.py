"""Enrols people by one face each, and recognises them in images."""

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from shared.core.deadline import Deadline
from shared.core.errors import NoFaceError
from shared.core.photos.models import Face, Photo
from shared.core.photos.ports import Detector, ImageCodec
from shared.core.recognition import detection
from shared.core.recognition.models import Person, PersonId
from shared.core.recognition.ports import Embedder, Persons, RecognizerRegistry, Sealer


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of an erasure. Both times are ISO 8601 in UTC."""

    tenant: str
    company: str
    user_id: str
    generation: str
    model_version: str
    enrolled_at: str
    erased_at: str

    @property
    def receipt_id(self) -> str:
        """The SHA-256 of the other fields as JSON with sorted keys, in hexadecimal digits."""
        content = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()


def enrol(
    codec: ImageCodec,
    detector: Detector,
    embedder: Embedder,
    persons: Persons,
    sealer: Sealer,
    *,
    person_id: PersonId,
    data: bytes,
    deadline: Deadline,
) -> None:
    """Enrol a person by the largest face of an image file, replacing an earlier enrolment.

    Only the vector of the face is stored, sealed with a new data key for this person.

    Raises:
        ImageError: the file cannot be used.
        NoFaceError: it shows no face of at least 40x40 pixels.
    """
    photo = codec.decode(data)
    face = _find_faces(detector, photo, deadline)[0]
    (vector,) = embedder.embed(photo, [face])
    deadline.check()
    generation = uuid.uuid4().hex
    person = Person(
        id=person_id,
        generation=generation,
        model_version=embedder.model_version,
        enrolled_at=datetime.now(UTC),
        wrapped_key=sealer.new_group_key(generation),
        sealed_vector=b"",
    )
    sealed_vector = sealer.seal(person, str(person_id), vector)
    persons.put(replace(person, sealed_vector=sealed_vector))


def analyse(
    codec: ImageCodec,
    detector: Detector,
    recognizers: RecognizerRegistry,
    persons: Persons,
    sealer: Sealer,
    *,
    person_id: PersonId,
    data: bytes,
    threshold: float,
    deadline: Deadline,
) -> tuple[bool, ...]:
    """Return for each face of an image file, from left to right, whether it is the person's.

    It is if the similarity (0..100) is at least `threshold`.

    Raises:
        ImageError: the file cannot be used.
        NoFaceError: it shows no face of at least 40x40 pixels.
        PersonNotFoundError: the person is not enrolled.
        UnknownModelError: this deployment does not have the model that enrolled the person.
    """
    photo = codec.decode(data)
    person = persons.get(person_id)
    recognizer = recognizers.get(person.model_version)
    faces = sorted(_find_faces(detector, photo, deadline), key=_centre)
    vectors = recognizer.embedder.embed(photo, faces)
    template = sealer.open(person, str(person.id), person.sealed_vector)
    similarities = recognizer.calibration.similarity(vectors @ template)
    return tuple((similarities >= threshold).tolist())


def erase(persons: Persons, person_id: PersonId) -> Erasure:
    """Delete everything that is stored about a person, and return the receipt.

    Raises:
        PersonNotFoundError: the person is not enrolled.
    """
    person = persons.get(person_id)
    persons.delete(person_id)
    return Erasure(
        **asdict(person_id),
        generation=person.generation,
        model_version=person.model_version,
        enrolled_at=person.enrolled_at.isoformat(),
        erased_at=datetime.now(UTC).isoformat(),
    )


def _find_faces(detector: Detector, photo: Photo, deadline: Deadline) -> tuple[Face, ...]:
    faces = detection.find_faces(
        detector, photo, deadline, min_side=detection.MIN_RECOGNISABLE_SIDE, max_faces=None
    )
    if not faces:
        raise NoFaceError
    return faces


def _centre(face: Face) -> tuple[float, float]:
    return face.box.x1 + face.box.x2, face.box.y1 + face.box.y2
