"""Ports to the stores of faces and people, to embedders, to encryption and to search."""

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
    """Groups of faces. Every call sees all earlier writes of any process.

    Every method raises StoreUnavailableError if the store does not answer.
    """

    def create(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExistsError: the tenant already has a group of this name.
        """

    def get(self, tenant: str, group_id: str) -> Group:
        """Return a group as it is now.

        Raises:
            GroupNotFoundError: the tenant has no such group.
        """

    def get_generation(self, generation: str) -> Group:
        """Return the group of a generation as it is now.

        A group that has just been created may not be found yet.

        Raises:
            GroupNotFoundError: no group has this generation.
        """

    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        """Return up to `limit` groups whose names follow `after`, in the order of names."""

    def delete(self, group: Group) -> None:
        """Delete the group and its data key in one step, and mark its faces for `Faces.purge`.

        Raises:
            GroupNotFoundError: this generation of the group no longer exists.
        """


class Faces(Protocol):
    """The faces of groups. Counts and change numbers are exact under any concurrency.

    Every method raises StoreUnavailableError if the store does not answer.
    """

    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        """Store as many of the faces as fit into `capacity`, in one step; return how many.

        Their changes are numbered in order, following the group's last change.

        Raises:
            GroupNotFoundError: this generation of the group no longer exists.
        """

    def remove(self, group: Group, face_id: str) -> None:
        """Remove a face; the removal is a change too.

        Raises:
            FaceNotFoundError: the group has no such face.
            GroupNotFoundError: this generation of the group no longer exists.
        """

    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        """Return the faces that the group has now, by id."""

    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        """Return the ids of the faces that the group has now with a label."""

    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        """Return up to `limit` faces whose change number is below `before`, newest first."""

    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        """Yield the changes with numbers above `after`, in order.

        Numbers have gaps, because only the removal of a removed face remains.
        """

    def purge(self, limit: int) -> int:
        """Delete up to `limit` rows of deleted groups; return how many, 0 if none remain.

        It can be interrupted anywhere, run by two processes at once, and run again.
        """


class Persons(Protocol):
    """Enrolled people. Every call sees all earlier writes of any process.

    Every method raises StoreUnavailableError if the store does not answer.
    """

    def get(self, person_id: PersonId) -> Person:
        """Return a person's current enrolment.

        Raises:
            PersonNotFoundError: the person is not enrolled.
        """

    def put(self, person: Person) -> None:
        """Store a person, replacing an earlier enrolment in one step."""

    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        """Yield the ids of everyone the company has enrolled, in order."""

    def delete(self, person_id: PersonId) -> None:
        """Delete the person's vector and data key in one step, if they exist."""


class Embedder(Protocol):
    """Turns faces into vectors; those of one person are close to each other."""

    model_version: str

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector per face, float32 of shape (len(faces), dimensions)."""


@dataclass(frozen=True, slots=True)
class Recognizer:
    """An embedder and the calibration of its cosines."""

    embedder: Embedder
    calibration: Calibration


class RecognizerRegistry(Protocol):
    """The recognizers of this deployment. Groups and people keep the model they started with."""

    def get(self, model_version: str) -> Recognizer:
        """Return the recognizer of a model version.

        Raises:
            UnknownModelError: this deployment does not have the model.
        """


class KeyOwner(Protocol):
    """The owner of a data key: a group of faces, or a person."""

    @property
    def generation(self) -> str:
        """Unique forever; the data key is wrapped for this generation only."""

    @property
    def model_version(self) -> str:
        """The model version of the embedder that made the vectors."""

    @property
    def wrapped_key(self) -> bytes:
        """The wrapped data key."""


class Sealer(Protocol):
    """Encrypts vectors with the data key of their group or person before they are stored."""

    def new_group_key(self, generation: str) -> bytes:
        """Return a new wrapped data key for a group or a person."""

    def seal(self, group: KeyOwner, face_id: str, vector: NDArray[np.float32]) -> bytes:
        """Return the encrypted vector, bound to its group, face and model version."""

    def open(self, group: KeyOwner, face_id: str, sealed_vector: bytes) -> NDArray[np.float32]:
        """Return the vector, float32 of shape (dimensions,).

        Raises:
            SealError: it was changed, or sealed for another group, face or model version.
        """

    def open_many(
        self, group: KeyOwner, face_ids: Sequence[str], sealed_vectors: Sequence[bytes]
    ) -> NDArray[np.float32]:
        """Return the vectors, float32 of shape (len(face_ids), dimensions).

        Raises:
            SealError: one was changed, or sealed for another group, face or model version.
        """

    def seal_blob(self, group: KeyOwner, name: str, content: bytes) -> bytes:
        """Return encrypted content, bound to its group, model version and name."""

    def open_blob(self, group: KeyOwner, name: str, sealed: bytes) -> bytes:
        """Return the content.

        Raises:
            SealError: it was changed, or sealed for another group, name or model version.
        """


class IndexBuilder(Protocol):
    """Builds the snapshots from which large groups are loaded."""

    def in_force(self, group: Group) -> Manifest | None:
        """Return the manifest of the group's current snapshot, or None without a snapshot."""

    def build(self, group: Group) -> bool:
        """Build a snapshot of the group as it is now; return whether it is now in use.

        Raises:
            StoreUnavailableError: a store did not answer; the previous snapshot stays in use.
        """


class FaceIndex(Protocol):
    """Finds the nearest vectors in a group."""

    def search(
        self,
        group: Group,
        vector: NDArray[np.float32],
        *,
        limit: int,
        min_score: float,
        must_be_exact: bool = False,
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Return the nearest faces of the group, at least as of when `group` was read.

        Args:
            group: just read from the store; its `last_change` is the state to search.
            vector: of unit length, float32 of shape (dimensions,).
            limit: the maximum number of faces to return.
            min_score: the minimum inner product.
            must_be_exact: whether to compare every face. Otherwise the search of a large group
                through a graph may miss some.

        Returns:
            The ids and their inner products, float32 of shape (len(ids),), greatest first.
        """
