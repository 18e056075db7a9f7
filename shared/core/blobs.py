"""Blobs, and the port to a store of them: a folder or a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """Blob metadata, available without reading the blob.

    Attributes:
        key: its name, with parts separated by slashes.
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
    """The bytes of a blob, their version, and the metadata that its uploader attached."""

    data: bytes
    version: str
    metadata: Mapping[str, str]


class Blobs(Protocol):
    """Files by key, each stored completely or not at all. Every call sees all earlier writes."""

    def accepts(self, key: str) -> bool:
        """Return whether a blob can have this key, given those that exist now."""

    def stat(self, key: str) -> BlobInfo | None:
        """Return the metadata of a blob, or None if it does not exist."""

    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        """Return a blob.

        Raises:
            BlobNotFoundError: it does not exist.
            BlobTooLargeError: it has more than `max_bytes` bytes and was not read.
            StoreUnavailableError: the store did not answer.
        """

    def put(self, key: str, data: bytes) -> str:
        """Store a blob, replacing an earlier one; return its version.

        Raises:
            StoreUnavailableError: the store did not accept the call.
        """

    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        """Store a blob if the current version is the expected one; return the new version.

        With `expected=None` the blob must not exist yet.

        Raises:
            BlobChangedError: the current version is another one; nothing was stored.
            StoreUnavailableError: the store did not answer; the blob may have been stored.
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
        """Copy a version of a blob, with its metadata, from another store of the same kind.

        As with `replace`, the current version must be the expected one. The bytes do not pass
        through this process.

        Raises:
            BlobNotFoundError: there is no blob to copy.
            BlobChangedError: one of the two has another version; nothing was stored.
            StoreUnavailableError: the store did not answer; the blob may have been stored.
        """

    def delete(self, key: str, *, expected: str | None = None) -> None:
        """Delete a blob if it exists; with `expected`, only this version.

        Raises:
            BlobChangedError: the current version is another one; nothing was deleted.
            StoreUnavailableError: the store did not accept the call.
        """

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """Yield the metadata of every blob whose key starts with the prefix, by key."""
