"""Groups of faces, and enrolled people."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from shared.core.photos.models import Box

GROUP_ID = "[a-z0-9-]{1,255}"
"""A regular expression that the name of a group matches as a whole."""


@dataclass(frozen=True, slots=True)
class Group:
    """A tenant's named collection of faces.

    Attributes:
        tenant: its owner.
        group_id: its name, unique within the tenant.
        generation: unique forever: a new group with an old name shares nothing with the old one.
        model_version: of the embedder of its vectors; they are only compared with each other.
        created_at: in UTC.
        wrapped_key: its wrapped data key; without it nobody can decrypt its vectors.
        face_count: the number of its faces.
        last_change: the number of its latest change; adding or removing a face is one change.
    """

    tenant: str
    group_id: str
    generation: str
    model_version: str
    created_at: datetime
    wrapped_key: bytes
    face_count: int = 0
    last_change: int = 0


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face of a group, as it is stored.

    Attributes:
        face_id: a random UUID.
        image_id: shared by the faces of one image.
        external_image_id: the caller's label of the image, if there is one.
        box: of the face, as ratios 0..1 of the upright image.
        confidence: of the detection, 0..1.
        sealed_vector: the encrypted vector.
        change: the number of the change that added it; 0 until it is stored.
    """

    face_id: str
    image_id: str
    external_image_id: str | None
    box: Box
    confidence: float
    sealed_vector: bytes
    change: int = 0


@dataclass(frozen=True, slots=True)
class FaceChange:
    """One change of a group: a face was added, or removed if `sealed_vector` is None."""

    number: int
    face_id: str
    sealed_vector: bytes | None


@dataclass(frozen=True, slots=True)
class PersonId:
    """Identifies a person of a tenant's company; `company` and `user_id` contain no slash."""

    tenant: str
    company: str
    user_id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.company}/{self.user_id}"


@dataclass(frozen=True, slots=True)
class Person:
    """A person that a company has enrolled by one face.

    Attributes:
        id: of the person.
        generation: unique forever: a new enrolment shares nothing with the old one.
        model_version: of the embedder that made the vector.
        enrolled_at: in UTC.
        wrapped_key: the person's wrapped data key; without it nobody can decrypt the vector.
        sealed_vector: the encrypted vector.
    """

    id: PersonId
    generation: str
    model_version: str
    enrolled_at: datetime
    wrapped_key: bytes
    sealed_vector: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """Identifies the current snapshot of a group.

    Attributes:
        version: of the snapshot.
        last_change: the number of the latest change that it includes.
        faces: the number of its faces.
    """

    version: str
    last_change: int
    faces: int

    def to_json(self) -> bytes:
        """Return the manifest as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Return the manifest from JSON.

        Raises:
            ValueError: it is not a manifest.
        """
        try:
            manifest = cls(**json.loads(data))
        except TypeError as error:
            raise ValueError("it is not a manifest") from error
        numbers = (manifest.last_change, manifest.faces)
        if not isinstance(manifest.version, str) or not all(type(n) is int for n in numbers):
            raise ValueError("it is not a manifest")
        return manifest
