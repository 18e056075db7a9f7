"""Where the snapshots of large groups lie, and which of them is in force.

A snapshot is some blobs `<generation>/<version>/<part>`; `<generation>/manifest` names the version.
"""

import json

from shared.core.errors import BlobNotFoundError
from shared.core.ports import Blobs

_LARGEST_MANIFEST = 64 * 1024  # bytes


def manifest_key(generation: str) -> str:
    """Return the key of what names the version in force."""
    return f"{generation}/manifest"


def generation_of(key: str) -> str:
    """Return the generation of the group that a blob belongs to."""
    return key.partition("/")[0]


def version_of(key: str) -> str | None:
    """Return the version that a blob is a part of; None for what is no part, as the manifest."""
    names = key.split("/", 2)
    return names[1] if len(names) > 2 else None  # noqa: PLR2004 - generation, version, part


def current_version(blobs: Blobs, generation: str) -> str | None:
    """Return the version in force; None where there is none, or the manifest cannot be read.

    Raises:
        StoreUnavailableError: the store did not answer.
    """
    try:
        manifest = json.loads(
            blobs.get(manifest_key(generation), most_bytes=_LARGEST_MANIFEST).data
        )
        version = manifest["version"]
    except (BlobNotFoundError, ValueError, TypeError, KeyError):
        return None
    return version if isinstance(version, str) else None
