"""Groups of faces, and people who are enrolled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from shared.core.photos.models import Box


@dataclass(frozen=True, slots=True)
class Group:
    """A tenant's named collection of faces.

    Attributes:
        tenant: whose it is.
        group_id: its name, unique within the tenant.
        generation: unique for ever: a new group under an old name shares nothing with the old one.
        model_version: of the embedder whose vectors it holds; others are never compared with them.
        created_at: when it was made, in UTC.
        wrapped_key: its data key, wrapped; without it the vectors of the group are noise.
        face_count: how many faces it holds.
        last_change: the number of its newest change; each face added or removed is one change.
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
        external_image_id: the caller's own label of the image, if there is one.
        box: where the face was, as ratios 0..1 of the upright image.
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
    """One change of a group: a face added, or removed where `sealed_vector` is None."""

    number: int
    face_id: str
    sealed_vector: bytes | None


@dataclass(frozen=True, slots=True)
class PersonId:
    """Whom a company of a tenant means; `company` and `user_id` hold no slash."""

    tenant: str
    company: str
    user_id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.company}/{self.user_id}"


@dataclass(frozen=True, slots=True)
class Person:
    """A person that a company has enrolled by one face.

    Attributes:
        id: who it is.
        generation: unique for ever: a new enrolment shares nothing with the old one.
        model_version: of the embedder that made the vector.
        enrolled_at: when, in UTC.
        wrapped_key: the person's own data key, wrapped; without it the vector is noise.
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
    """Says which snapshot of a group is in force.

    Attributes:
        version: of the snapshot.
        last_change: the number of the newest change that it holds.
        faces: how many it holds.
    """

    version: str
    last_change: int
    faces: int

    def to_json(self) -> bytes:
        """Return what is stored."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Return what was stored.

        Raises:
            ValueError: it is no manifest.
        """
        try:
            manifest = cls(**json.loads(data))
        except TypeError as error:
            raise ValueError("it is no manifest") from error
        numbers = (manifest.last_change, manifest.faces)
        if not isinstance(manifest.version, str) or not all(type(n) is int for n in numbers):
            raise ValueError("it is no manifest")
        return manifest
