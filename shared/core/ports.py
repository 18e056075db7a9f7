"""The roles that the rules need filled; `shared.vision` and `shared.storage` fill them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.core.models import (
    ApiKey,
    DetectionScale,
    Face,
    FaceChange,
    Group,
    HideMethod,
    Photo,
    Pose,
    StoredFace,
)


class Images(Protocol):
    """Reads and writes image files."""

    def decode(self, data: bytes) -> Photo:
        """Return the first frame of an image file.

        Raises:
            UnsupportedImageError: the first bytes are of no format that is taken.
            TooManyPixelsError: the header announces more pixels than are decoded.
            CorruptImageError: the file is truncated or broken.
        """

    def encode(self, photo: Photo) -> bytes:
        """Return `photo.stored` as a file of its format, with an orientation tag at most."""


class Detector(Protocol):
    """Finds faces."""

    def detect(
        self, photo: Photo, *, scale: DetectionScale, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first.

        A `threshold` of None is the scale's own.
        """


class Masker(Protocol):
    """Hides faces."""

    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        """Return a copy of the photo in which the faces cannot be seen."""

    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        """Return a copy of the photo with a rectangle around each face."""


class Embedder(Protocol):
    """Turns faces into vectors that are near each other for one person."""

    model_version: str

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector a face, float32 of shape (len(faces), 128)."""


class PoseEstimator(Protocol):
    """Says where heads point."""

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face."""


class Keys(Protocol):
    """API keys, known by the keyed hash of their text alone."""

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""

    def put(self, key: ApiKey) -> None:
        """Store the key; one with the same hash is replaced."""

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""

    def delete(self, key_hash: str) -> None:
        """Forget the key with this hash, if there is one."""


class ImageSource(Protocol):
    """Fetches images that a caller names by URL."""

    def fetch(self, url: str) -> bytes:
        """Return what is at the URL.

        Raises:
            ImageUrlError: the URL is not one that is fetched, or nothing usable is there.
            ImageTooLargeError: there is more than is taken.
            ImageDownloadTimeoutError: it did not arrive in time.
        """


class Groups(Protocol):
    """Groups of faces. What one call wrote, the next call of any process reads."""

    def create(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExistsError: the tenant has a group of this name.
        """

    def find(self, tenant: str, group_id: str) -> Group:
        """Return a group as it is now.

        Raises:
            GroupNotFoundError: the tenant has no such group.
        """

    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        """Return up to `limit` groups with names greater than `after`, in that order."""

    def delete(self, group: Group) -> None:
        """Remove the group and its data key in one step, and note its faces for `Faces.purge`.

        Raises:
            GroupNotFoundError: this generation of the group is not there any more.
        """


class Faces(Protocol):
    """The faces of groups. Counts and change numbers are exact under any concurrency."""

    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        """Store the first faces, as many as fit into `capacity`, all or none; return how many.

        Their changes are numbered in order, right after the group's last one.

        Raises:
            GroupNotFoundError: this generation of the group is not there any more.
        """

    def remove(self, group: Group, face_id: str) -> None:
        """Remove a face; the removal is a change of its own.

        Raises:
            FaceNotFoundError: the group has no such face.
            GroupNotFoundError: this generation of the group is not there any more.
        """

    def find_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        """Return those of the faces that the group has now, by id."""

    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        """Return up to `limit` faces whose change is less than `before`, newest first."""

    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        """Yield the changes numbered more than `after`, in order.

        Of a face that was removed only the removal is left, so numbers have gaps.
        """

    def purge(self, limit: int) -> int:
        """Delete up to `limit` rows that deleted groups left; return how many: 0 when none is left.

        It can be interrupted anywhere, run by two processes at once, and run again.
        """


class Sealer(Protocol):
    """Encrypts vectors with the data key of their group before anything stores them."""

    def new_group_key(self, generation: str) -> bytes:
        """Return a new data key for a group, wrapped."""

    def seal(self, group: Group, face_id: str, vector: NDArray[np.float32]) -> bytes:
        """Return the encrypted vector, bound to its group, face and model version."""

    def open(self, group: Group, face_id: str, sealed_vector: bytes) -> NDArray[np.float32]:
        """Return the vector.

        Raises:
            SealError: it was changed, or sealed for another group, face or model version.
        """

    def open_many(
        self, group: Group, face_ids: Sequence[str], sealed_vectors: Sequence[bytes]
    ) -> NDArray[np.float32]:
        """Return the vectors as an array of shape (len(face_ids), dimension)."""
