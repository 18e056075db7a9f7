"""Files in a store of blobs: a folder or a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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


class Blobs(Protocol):
    """Files by key, each stored whole or not at all. What one call wrote, the next call reads."""

    def accepts(self, key: str) -> bool:
        """Whether a blob can have this name here, beside those that are there now."""

    def stat(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob, or None where there is none."""

    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        """Return a blob.

        Raises:
            BlobNotFoundError: there is none.
            BlobTooLargeError: it has more than `max_bytes`, and was not read.
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
