"""Snapshots of large groups: what a fresh process reads instead of every row.

A snapshot is a sealed blob, `GENERATION/VERSION/vectors`. That of a group that is searched through
a graph has another, `.../graph`. The tiny `GENERATION/manifest` names the version in force; to
replace it is the one step that publishes a snapshot. It is not sealed, and need not be: what a
snapshot covers is told under its seal, so that a wrong manifest costs speed and no answers.
Versions that are not in force are left to the clean-up: somebody may still be reading them.
"""

import json
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.core.blobs import Blobs
from shared.core.errors import BlobChangedError, BlobNotFoundError, SealError
from shared.core.recognition.models import Group, Manifest
from shared.core.recognition.ports import Sealer
from shared.core.recognition.snapshots import manifest_key, part_key, read_manifest

if TYPE_CHECKING:
    from shared.index.ann import Graph

_VECTORS, _GRAPH = "vectors", "graph"
_HEADER_SIZE = 4  # bytes of the length that stands before the header
_VECTOR_TYPE = np.dtype("<f4")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The faces of a group as of one of its changes.

    Attributes:
        version: names it.
        last_change: the number of the newest change that it holds.
        built_at: when, in seconds since 1970, UTC.
        face_ids: those of the graph first, in its order.
        vectors: of unit length, float32 of shape (len(face_ids), dimension), writable.
        in_graph: how many of them, from the first, the graph is over: the others are copies. 0
            where there is no graph.
    """

    version: str
    last_change: int
    built_at: float
    face_ids: list[str]
    vectors: NDArray[np.float32]
    in_graph: int


class SnapshotStore:
    """Reads and writes snapshots."""

    def __init__(self, blobs: Blobs, sealer: Sealer) -> None:
        self._blobs = blobs
        self._sealer = sealer

    def manifest(self, group: Group) -> Manifest | None:
        """Return what is in force, or None where there is nothing that can be read."""
        return read_manifest(self._blobs, group.generation)[0]

    def load(self, group: Group) -> Snapshot | None:
        """Return the snapshot in force; None where there is none that can be used, which is logged.

        One that knows of more changes than the group is not used: the store was restored from a
        backup, and counts them anew.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        manifest = self.manifest(group)
        if manifest is None:
            return None
        content = self._read(group, manifest.version, _VECTORS)
        if content is None:
            return None
        snapshot = _unpack(manifest.version, content)
        if snapshot.last_change > group.last_change:  # its numbers mean other changes by now
            _logger.warning("a snapshot is not used", extra={"reason": "the group was restored"})
            return None
        return snapshot

    def load_graph(self, group: Group, snapshot: Snapshot) -> "Graph | None":
        """Return the graph over a snapshot's vectors; None where it has none, or none can be read.

        Takes seconds the first time in a process: not for requests.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        if not snapshot.in_graph:
            return None
        pickled = self._read(group, snapshot.version, _GRAPH)
        if pickled is None:
            return None
        from shared.index import ann  # noqa: PLC0415 - heavy

        return ann.load(pickled, snapshot.vectors[: snapshot.in_graph])

    def publish(
        self,
        group: Group,
        *,
        last_change: int,
        face_ids: list[str],
        vectors: NDArray[np.float32],
        now: float,
        with_graph: bool,
    ) -> bool:
        """Store the vectors, with a graph over them or without, and put the snapshot in force.

        To build a graph takes minutes. The manifest comes last, and only in place of the one that
        was there at the start: of two that build at once, one publishes.

        Returns:
            Whether it is in force now.

        Raises:
            StoreUnavailableError: the store did not take it; the snapshot before stays in force.
        """
        _, expected = read_manifest(self._blobs, group.generation)
        header = {"last_change": last_change, "built_at": now, "in_graph": 0, "face_ids": face_ids}
        parts = {}
        if with_graph:
            rows, header["in_graph"], parts[_GRAPH] = _build_graph(vectors)
            header["face_ids"], vectors = [face_ids[row] for row in rows], vectors[rows]
        parts[_VECTORS] = _pack(header, vectors)
        version = f"{last_change:012d}-{uuid.uuid4().hex[:8]}"
        for part, content in parts.items():
            key = part_key(group.generation, version, part)
            self._blobs.put(key, self._sealer.seal_blob(group, key, content))
        manifest = Manifest(version=version, last_change=last_change, faces=len(face_ids))
        try:
            self._blobs.replace(
                manifest_key(group.generation), manifest.to_json(), expected=expected
            )
        except BlobChangedError:
            return False
        return True

    def _read(self, group: Group, version: str, part: str) -> bytes | None:
        """Return the content of a part, whose seal is verified; None where it cannot be had."""
        key = part_key(group.generation, version, part)
        try:
            return self._sealer.open_blob(group, key, self._blobs.get(key).data)
        except BlobNotFoundError:
            reason = "missing"
        except SealError:
            reason = "changed, or sealed for something else"
        _logger.warning("a snapshot is not used", extra={"part": part, "reason": reason})
        return None


def _build_graph(vectors: NDArray[np.float32]) -> tuple[NDArray[np.intp], int, bytes]:
    """Return the order of rows that a graph wants, over how many of them it is, and the graph."""
    from shared.index import ann  # noqa: PLC0415 - heavy

    distinct, copies = _without_copies(vectors)
    order, pickled = ann.build(vectors[distinct])
    return np.concatenate([distinct[order], copies]), len(distinct), pickled


def _without_copies(vectors: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first rows of each distinct vector, and the rows that repeat one."""
    _, first = np.unique(vectors, axis=0, return_index=True)
    is_copy = np.ones(len(vectors), bool)
    is_copy[first] = False
    return np.flatnonzero(~is_copy), np.flatnonzero(is_copy)


def _pack(header: dict[str, object], vectors: NDArray[np.float32]) -> bytes:
    """Return a header of JSON, after its length, and the vectors behind it."""
    encoded = json.dumps(header).encode()
    plain = np.ascontiguousarray(vectors, _VECTOR_TYPE).tobytes()
    return len(encoded).to_bytes(_HEADER_SIZE, "big") + encoded + plain


def _unpack(version: str, content: bytes) -> Snapshot:
    start = _HEADER_SIZE + int.from_bytes(content[:_HEADER_SIZE], "big")
    header = json.loads(content[_HEADER_SIZE:start])
    plain = np.frombuffer(content, _VECTOR_TYPE, offset=start)
    plain = plain.reshape(len(header["face_ids"]), -1)
    return Snapshot(version=version, vectors=plain.astype(np.float32), **header)
