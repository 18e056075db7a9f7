"""What a backend provides: the adapters of one way to keep state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a function that builds no sealer starts without numpy and cryptography
    from shared.core.blobs import Blobs
    from shared.core.metering.ports import DistinctTracker, Keys, Usage
    from shared.core.recognition.ports import Faces, Groups, Persons
    from shared.storage.cipher import KeyWrapper


class Backend(Protocol):
    """Builds adapters; `shared.app.App` keeps each of them. Building one opens what it needs."""

    def keys(self) -> Keys:
        """Return the store of API keys."""

    def usage(self) -> Usage:
        """Return the store of the calls of keys."""

    def distinct_tracker(self) -> DistinctTracker:
        """Return what tracks distinct addresses per key and keys per address."""

    def groups(self) -> Groups:
        """Return the store of groups."""

    def faces(self) -> Faces:
        """Return the store of the faces of groups."""

    def persons(self) -> Persons:
        """Return the store of enrolled people."""

    def key_wrapper(self) -> KeyWrapper:
        """Return what wraps data keys."""

    def key_secret(self) -> str:
        """Return the secret that keys the hashes of API keys."""

    def inbox(self) -> Blobs:
        """Return the files to de-identify."""

    def outbox(self) -> Blobs:
        """Return the de-identified files, and those that failed."""

    def snapshots(self) -> Blobs:
        """Return the sealed snapshots of large groups."""
