"""Where faces and people are kept, sealed and searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.core.photos.models import Face, Photo
from shared.core.recognition.models import FaceChange, Group, Manifest, Person, PersonId, StoredFace

if TYPE_CHECKING:  # a function that handles no vectors starts without numpy
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.recognition.similarity import Calibration


class Groups(Protocol):
    """Groups of faces. What one call wrote, the next call of any process reads."""

    def create(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExistsError: the tenant has a group of this name.
        """

    def get(self, tenant: str, group_id: str) -> Group:
        """Return a group as it is now.

        Raises:
            GroupNotFoundError: the tenant has no such group.
        """

    def get_generation(self, generation: str) -> Group:
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

    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
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


class Persons(Protocol):
    """Enrolled people. What one call wrote, the next call of any process reads."""

    def get(self, person_id: PersonId) -> Person:
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


class Embedder(Protocol):
    """Turns faces into vectors that are near each other for one person."""

    model_version: str

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector a face, float32 of shape (len(faces), dimensions)."""


@dataclass(frozen=True, slots=True)
class Recognizer:
    """An embedder and the calibration of its distances: together they tell people apart."""

    embedder: Embedder
    calibration: Calibration


class RecognizerRegistry(Protocol):
    """The recognizers of this deployment; groups and people keep the model they began with."""

    def get(self, model_version: str) -> Recognizer:
        """Return the recognizer of a model version.

        Raises:
            UnknownModelError: this deployment does not have the model.
        """


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
