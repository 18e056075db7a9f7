"""How snapshots of groups lie in the store of blobs, and when a new one is due."""

import json
from dataclasses import asdict, dataclass

_SMALLEST_STEP = 1_000  # changes
_STEP = 0.1  # of the faces: so much is looked through one by one before a new snapshot comes


@dataclass(frozen=True, slots=True)
class Manifest:
    """Says which snapshot of a group is in force.

    Attributes:
        version: of the snapshot.
        last_change: the number of the newest change that it holds.
        faces: how many it holds.
    """

    version: str
    last_change: int
    faces: int

    def to_json(self) -> bytes:
        """Return what is stored."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Return what was stored.

        Raises:
            ValueError: it is no manifest.
        """
        try:
            manifest = cls(**json.loads(data))
        except TypeError as error:
            raise ValueError("it is no manifest") from error
        numbers = (manifest.last_change, manifest.faces)
        if not isinstance(manifest.version, str) or not all(type(n) is int for n in numbers):
            raise ValueError("it is no manifest")
        return manifest


def manifest_key(generation: str) -> str:
    """Return the key of the manifest of a generation of a group."""
    return f"{generation}/manifest"


def part_key(generation: str, version: str, part: str) -> str:
    """Return the key of a part of a snapshot."""
    return f"{generation}/{version}/{part}"


def is_due(faces: int, changes: int) -> bool:
    """Tell whether a group of so many faces, with so many changes since, wants a new snapshot."""
    return changes >= max(_SMALLEST_STEP, _STEP * faces)
