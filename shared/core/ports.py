"""The roles that the rules need filled; `shared.vision` and `shared.storage` fill them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from shared.core.metrics import Counter, Histogram
from shared.core.models import (
    Admission,
    ApiKey,
    Blob,
    BlobInfo,
    DetectionProfile,
    Distinct,
    Face,
    FaceChange,
    Group,
    HideMethod,
    KeyEvent,
    Limits,
    Person,
    PersonId,
    Photo,
    Pose,
    StoredFace,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.snapshots import Manifest


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
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first.

        A `threshold` of None is the profile's own.
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
        """Return one unit vector a face, float32 of shape (len(faces), dimensions)."""


class PoseEstimator(Protocol):
    """Says where heads point."""

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face."""


class Keys(Protocol):
    """API keys, known by the keyed hash of their text alone, and the log of what was done."""

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store keys, in place of those with their hashes, and forget the keys of other hashes.

        The event is logged in the same step: all of it is done, or nothing.
        """

    def events(self) -> tuple[KeyEvent, ...]:
        """Return what was done, the oldest first."""


class Usage(Protocol):
    """The calls of keys: counted, limited, and exact under any concurrency of any processes."""

    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        """Count a call in its day, month and year, if `shared.core.quota` lets it pass: one step.

        Args:
            key_id: of the key.
            limits: what it may do.
            now: in seconds since 1970, UTC.
            lease_s: the call is in flight until it is settled, or else so many seconds.

        Raises:
            LimitError: a limit is used up; nothing was changed.
            StoreUnavailableError: the store did not take the call; at worst it was counted.
        """

    def settle(self, admission: Admission, *, refund: bool) -> None:
        """End a call: it is in flight no more, and with `refund` it was never counted.

        To be called once. It writes nothing where neither applies.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """

    def counts(self, key_id: str) -> Mapping[str, int]:
        """Return the calls by day ("2026-01-31"), month ("2026-01") and year ("2026")."""

    def forget(self, key_id: str) -> None:
        """Forget the calls of a key."""

    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        """Drop, a little at a time, what counts no more; yield each time how much that was.

        That is `leases` of calls that nobody ended, `paces` whose next call was due, and `periods`
        that are not kept, all as they were before a time (seconds since 1970, UTC). It disturbs no
        call that is made meanwhile, can be broken off anywhere, and run by two processes at once.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """


class Sightings(Protocol):
    """Who was seen with whom: the addresses of a key, the keys of an address."""

    def note(self, subject: str, other: str, *, limit: Distinct, now: float) -> bool:
        """Return whether `other` is one of those that may be seen with the subject, and note it.

        One that was noted within the window costs no write; one too many is not noted.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """

    def forget(self, subject: str) -> None:
        """Forget whom the subject was seen with."""

    def clean_up(self, before: float) -> Iterator[int]:
        """Drop, a little at a time, those that counted until before a time; yield how many.

        Where the store itself drops them there is nothing to do.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """


class Metrics(Protocol):
    """Counts what happens: the metrics of `shared.core.metrics`, in any thread."""

    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        """Add to a counter."""

    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        """Add a value to a histogram."""

    def invocation(self) -> AbstractContextManager[None]:
        """Give out what is counted in the block at its end, also when it fails."""

    def exposition(self) -> bytes | None:
        """Return what was counted, as Prometheus reads it; None where counts go elsewhere."""


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

    def find_generation(self, generation: str) -> Group:
        """Return the group of a generation as it is now.

        A group that was made in the last moments may not be found yet.

        Raises:
            GroupNotFoundError: no group is of this generation.
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

    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        """Return the ids of the faces that the group has now under a label of the caller's."""

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


class Blobs(Protocol):
    """Files by key, each stored whole or not at all. What one call wrote, the next call reads."""

    def accepts(self, key: str) -> bool:
        """Whether a blob can have this name here, beside those that are there now."""

    def find(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob, or None where there is none."""

    def get(self, key: str, *, most_bytes: int | None = None) -> Blob:
        """Return a blob.

        Raises:
            BlobNotFoundError: there is none.
            BlobTooLargeError: it has more than `most_bytes`, and was not read.
            StoreUnavailableError: the store did not answer.
        """

    def put(self, key: str, data: bytes) -> str:
        """Store a blob, in place of an earlier one; return its version.

        Raises:
            StoreUnavailableError: the store did not take it.
        """

    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        """Store a blob only in place of the expected version, or of none; return its version.

        Raises:
            BlobChangedError: another version, or none, is there; nothing was stored.
            StoreUnavailableError: the store did not take it; it may have been stored.
        """

    def copy(
        self,
        source: Blobs,
        source_key: str,
        key: str,
        *,
        source_version: str,
        expected: str | None,
    ) -> None:
        """Store a copy of a version of a blob of another store of the same kind, with its metadata.

        Like `replace`, in place of the expected version alone, or of none. The bytes do not pass
        through this process.

        Raises:
            BlobNotFoundError: there is no blob to copy.
            BlobChangedError: one of the two is of another version; nothing was stored.
            StoreUnavailableError: the store did not take it; it may have been stored.
        """

    def delete(self, key: str, *, expected: str | None = None) -> None:
        """Delete a blob, if there is one; with `expected` only this version.

        Raises:
            BlobChangedError: another version is there; nothing was deleted.
            StoreUnavailableError: the store did not take it.
        """

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """Yield every blob whose key starts with the prefix, by key."""


class Persons(Protocol):
    """Enrolled people. What one call wrote, the next call of any process reads."""

    def find(self, person_id: PersonId) -> Person:
        """Return a person as it is now.

        Raises:
            PersonNotFoundError: it is not enrolled.
        """

    def put(self, person: Person) -> None:
        """Store a person, in one step in place of an earlier enrolment."""

    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        """Yield everyone whom the company has enrolled, by id."""

    def delete(self, person_id: PersonId) -> None:
        """Remove the person's vector and data key in one step, if they are there."""


class KeyOwner(Protocol):
    """What has a data key of its own: a group of faces, or a person."""

    @property
    def generation(self) -> str:
        """Unique for ever; the key is wrapped for it alone."""

    @property
    def model_version(self) -> str:
        """Of the embedder that made the vectors."""

    @property
    def wrapped_key(self) -> bytes:
        """The data key, wrapped."""


class Sealer(Protocol):
    """Encrypts vectors with the data key of their group or person before anything stores them."""

    def new_group_key(self, generation: str) -> bytes:
        """Return a new data key for a group or a person, wrapped."""

    def seal(self, group: KeyOwner, face_id: str, vector: NDArray[np.float32]) -> bytes:
        """Return the encrypted vector, bound to its group, face and model version."""

    def open(self, group: KeyOwner, face_id: str, sealed_vector: bytes) -> NDArray[np.float32]:
        """Return the vector.

        Raises:
            SealError: it was changed, or sealed for another group, face or model version.
        """

    def open_many(
        self, group: KeyOwner, face_ids: Sequence[str], sealed_vectors: Sequence[bytes]
    ) -> NDArray[np.float32]:
        """Return the vectors as an array of shape (len(face_ids), dimension)."""

    def seal_blob(self, group: KeyOwner, name: str, content: bytes) -> bytes:
        """Return encrypted content, bound to its group, model version and name."""

    def open_blob(self, group: KeyOwner, name: str, sealed: bytes) -> bytes:
        """Return the content.

        Raises:
            SealError: it was changed, or sealed for another group, name or model version.
        """


class IndexBuilder(Protocol):
    """Makes the snapshots from which large groups are loaded."""

    def in_force(self, group: Group) -> Manifest | None:
        """Return what the snapshot of the group covers, or None where it has none."""

    def build(self, group: Group) -> bool:
        """Make a snapshot of the group as it is now; return whether it is the one in force.

        Raises:
            StoreUnavailableError: a store did not answer; the snapshot before stays in force.
        """


class FaceIndex(Protocol):
    """Finds the nearest vectors of a group."""

    def search(
        self,
        group: Group,
        vector: NDArray[np.float32],
        *,
        limit: int,
        min_score: float,
        must_be_exact: bool = False,
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Return the nearest faces that the group had when it was read, or has had since.

        Args:
            group: just read from the store: its `last_change` says up to where to look.
            vector: of unit length, float32 of shape (dimensions,).
            limit: the most faces to return.
            min_score: the least inner product.
            must_be_exact: whether to look at every face. Else some of those to be returned may be
                missed, in a group that is searched through a graph.

        Returns:
            The ids and their inner products, float32, greatest first.
        """
