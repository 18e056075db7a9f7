"""The nouns of the product: frozen values without behaviour of their own.

Frames: a photo has a STORED pixel grid (rows and columns of the file) and an UPRIGHT one (turned
by the EXIF orientation, as a viewer shows it). Boxes and landmarks are upright, in absolute pixels,
unless a name says otherwise; `shared.core.geometry` converts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a function that handles no arrays starts without numpy
    import numpy as np
    from numpy.typing import NDArray


Point = tuple[float, float]
"""x to the right, y downwards, in pixels."""

Landmarks = tuple[Point, Point, Point, Point, Point]
"""The eye on the image's left, the eye on its right, the nose, the mouth's corners alike."""


class ImageFormat(StrEnum):
    """The image files that are read and written."""

    JPEG = "jpg"
    PNG = "png"
    BMP = "bmp"


class HideMethod(StrEnum):
    """How a face is hidden; `docs/models.md` says what each leaves to recognise."""

    VEIL = "veil"
    SOLID = "solid"
    MOSAIC = "mosaic"
    BLUR = "blur"


class DetectionProfile(StrEnum):
    """What faces are looked for: recognition wants usable ones, hiding wants all."""

    RECOGNITION = "recognition"
    HIDING = "hiding"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle, x1 < x2 and y1 < y2, in pixels, maybe partly outside the image."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face, in the upright frame.

    Left and right of the landmarks are those of the image where the head stands upright; they keep
    their meaning where it is turned. `confidence` is 0..1.
    """

    box: Box
    confidence: float
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head points, in degrees.

    yaw > 0: turned towards the image's right; pitch > 0: looking up; roll > 0: clockwise. All are
    finite numbers. They mean nothing where the pose is not certain.
    """

    yaw: float
    pitch: float
    roll: float
    is_certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded image; both arrays are read-only and may be the same one.

    Attributes:
        stored: the file's own grid, uint8 or uint16, HxW (grey), HxWx3 (BGR) or HxWx4 (BGRA).
        upright_bgr: the same turned upright, uint8, HxWx3 (BGR), for looking at.
        orientation: the EXIF orientation, 1..8; 1 where the file names none.
        has_orientation: whether the file carries an orientation tag.
        format: the format of the file.
        quality: the JPEG quality, 1..100, as estimated from its tables; None for other formats.
    """

    stored: NDArray[np.uint8] | NDArray[np.uint16]
    upright_bgr: NDArray[np.uint8]
    orientation: int
    has_orientation: bool
    format: ImageFormat
    quality: int | None

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright image, in pixels."""
        height, width = self.upright_bgr.shape[:2]
        return width, height


class KeyStatus(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second in the long run, and `burst` calls at once after a rest."""

    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Distinct:
    """At most so many distinct ones, each of which counts for `window_s` from its first sight."""

    most: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may do; None is no limit.

    Attributes:
        daily: calls in a calendar day in Korea.
        monthly: calls in a calendar month in Korea.
        yearly: calls in a calendar year in Korea.
        networks: whence it may be used; from anywhere where there is none.
        paths: what it opens, each with all that lies below it, in the words of the template, as
            `/FaceDeID`; everything where there is none.
        addresses: from how many addresses it may be used.
        in_flight: how many of its calls may be under way at once.
        rate: how fast its calls may follow each other.
    """

    daily: int | None = 5000
    monthly: int | None = None
    yearly: int | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    paths: tuple[str, ...] = ()
    addresses: Distinct | None = None
    in_flight: int | None = None
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's API key.

    Attributes:
        id: names it for ever; its usage is counted under this name.
        key_hash: the keyed hash of its text, which is shown once and not stored. While an old
            text is still good after a rotation, there are two keys of one id.
        name: what the operator calls it.
        tenant: whose groups it opens.
        status: whether it opens anything.
        created_at: when this text was made, in UTC.
        limits: what it may do; None where its calls are neither limited nor counted.
        expires_at: when this text stops being good, in UTC; None for never.
    """

    id: str
    key_hash: str
    name: str
    tenant: str
    status: KeyStatus
    created_at: datetime
    limits: Limits | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """What was done to a key: when (UTC), by which user of the operator's machine, and what."""

    at: datetime
    key_id: str
    key_name: str
    action: str
    detail: str
    by: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was let in and counted.

    Attributes:
        key_id: of the key that it was counted under.
        day: the day in Korea that it was counted on, as 2026-01-31.
        used_today: how many calls of the key counted on that day, this one included.
        lease: names the call among those in flight; None where they are not limited.
    """

    key_id: str
    day: str
    used_today: int
    lease: str | None


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
class BlobInfo:
    """What a store of blobs knows of one, without reading it.

    Attributes:
        key: its name, whose parts are divided by slashes.
        version: changes whenever the blob is replaced.
        size: in bytes.
        modified_at: when this version was stored, in UTC.
    """

    key: str
    version: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that was read: its bytes, their version, and what its uploader said of it."""

    data: bytes
    version: str
    metadata: Mapping[str, str]


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
