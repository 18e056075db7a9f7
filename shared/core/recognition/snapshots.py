"""The keys of snapshots in the blob store, and when a new snapshot is due."""

import logging

from shared.core.blobs import Blobs
from shared.core.errors import BlobNotFoundError, BlobTooLargeError
from shared.core.recognition.models import Group, Manifest

_logger = logging.getLogger(__name__)

_MAX_MANIFEST_BYTES = 64 * 1024  # bytes
_MIN_CHANGES = 1_000  # changes
_MIN_CHANGED_SHARE = 0.1  # of the faces; until then searches read the changes one by one


def manifest_key(generation: str) -> str:
    """Return the key of the manifest of a generation of a group."""
    return f"{generation}/manifest"


def part_key(generation: str, version: str, part: str) -> str:
    """Return the key of a part of a snapshot."""
    return f"{generation}/{version}/{part}"


def generation_of(key: str) -> str:
    """Return the generation of the group that a blob belongs to."""
    return key.partition("/")[0]


def version_of(key: str) -> str | None:
    """Return the snapshot version that a blob is a part of; None for the manifest."""
    names = key.split("/", 2)
    return names[1] if len(names) > 2 else None  # noqa: PLR2004 - generation, version, part


def read_manifest(blobs: Blobs, generation: str) -> tuple[Manifest | None, str | None]:
    """Return the manifest of a generation, and the version of its blob.

    The manifest is None if it cannot be read, the version if there is no blob.

    Raises:
        StoreUnavailableError: the store did not answer.
    """
    key = manifest_key(generation)
    try:
        blob = blobs.get(key, max_bytes=_MAX_MANIFEST_BYTES)
    except BlobNotFoundError:
        return None, None
    except BlobTooLargeError:
        _logger.warning("a manifest is too large")
        info = blobs.stat(key)
        return None, info.version if info else None
    try:
        return Manifest.from_json(blob.data), blob.version
    except ValueError:
        _logger.warning("a manifest cannot be read")
        return None, blob.version


def holds_removed(manifest: Manifest, group: Group) -> bool:
    """Return whether a face has been removed from the group since the snapshot was made."""
    changes = group.last_change - manifest.last_change  # only additions add a face
    return changes > group.face_count - manifest.faces


def is_due(faces: int, changes: int) -> bool:
    """Return whether `changes` since the last snapshot of `faces` faces require a new one."""
    return changes >= max(_MIN_CHANGES, _MIN_CHANGED_SHARE * faces)
