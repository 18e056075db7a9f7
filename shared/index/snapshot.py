"""Snapshots of large groups: a new process reads a snapshot instead of every row.

A snapshot is an encrypted blob, `GENERATION/VERSION/vectors`, with a second one, `.../graph`, for a
group that is searched through a graph. The small blob `GENERATION/manifest` names the version in
force; replacing it publishes a snapshot. It need not be encrypted: what a snapshot covers is part
of its encrypted content, so a wrong manifest costs speed, not correctness. Other versions are left
to the clean-up, because a process may still be reading them.
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
_LENGTH_BYTES = 4  # of the header's length, which comes first
_VECTOR_TYPE = np.dtype("<f4")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The faces of a group as of one of its changes.

    Attributes:
        version: its name.
        last_change: the number of the newest change that it contains.
        built_at: in seconds since 1970, UTC.
        face_ids: those of the graph first, in its order.
        vectors: of unit length, float32 of shape (len(face_ids), dimensions), writable.
        in_graph: the number of vectors in the graph, 0 without a graph; the others are duplicates.
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
        """Return the manifest in force; None if it is missing or cannot be read."""
        return read_manifest(self._blobs, group.generation)[0]

    def load(self, group: Group) -> Snapshot | None:
        """Return the snapshot in force; None if it is missing or unusable; the latter is logged.

        A snapshot with more changes than the group is unusable: the store was restored from a
        backup, and counts changes anew.

        Raises:
            StoreUnavailableError: the store did not respond.
        """
        manifest = self.manifest(group)
        if manifest is None:
            return None
        content = self._read(group, manifest.version, _VECTORS)
        if content is None:
            return None
        snapshot = _unpack(manifest.version, content)
        if snapshot.last_change > group.last_change:  # its numbers now mean other changes
            _logger.warning("a snapshot is not used", extra={"reason": "the group was restored"})
            return None
        return snapshot

    def load_graph(self, group: Group, snapshot: Snapshot) -> "Graph | None":
        """Return the graph over a snapshot's vectors; None if it has none that can be read.

        The first call in a process takes seconds, so requests must not make it.

        Raises:
            StoreUnavailableError: the store did not respond.
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
        last_change: int,
        face_ids: list[str],
        vectors: NDArray[np.float32],
        *,
        now: float,
        with_graph: bool,
    ) -> bool:
        """Store a snapshot, and put it in force.

        Building a graph takes minutes. The manifest is written last, and only replaces the one that
        existed at the start: of two processes that build at once, one publishes.

        Args:
            group: whose data key encrypts the snapshot.
            last_change: the number of the newest change that the vectors contain.
            face_ids: of the vectors.
            vectors: of unit length, float32 of shape (len(face_ids), dimensions).
            now: the time, in seconds since 1970, UTC.
            with_graph: whether to build a graph.

        Returns:
            Whether it is in force now.

        Raises:
            StoreUnavailableError: the store did not respond; the previous snapshot stays in force.
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
        key = manifest_key(group.generation)
        try:
            self._blobs.replace(key, manifest.to_json(), expected=expected)
        except BlobChangedError:
            return False
        return True

    def _read(self, group: Group, version: str, part: str) -> bytes | None:
        """Return the verified content of a part; None if it is missing or not authentic."""
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
    """Return the rows with those of the graph first, in its order, their number, and the graph."""
    from shared.index import ann  # noqa: PLC0415 - heavy

    _, first = np.unique(vectors, axis=0, return_index=True)
    distinct, copies = np.sort(first), np.setdiff1d(np.arange(len(vectors)), first)
    order, pickled = ann.build(vectors[distinct])
    return np.concatenate([distinct[order], copies]), len(distinct), pickled


def _pack(header: dict[str, object], vectors: NDArray[np.float32]) -> bytes:
    """Return the header's length, the header as JSON, and the vectors."""
    encoded = json.dumps(header).encode()
    plain = np.ascontiguousarray(vectors, _VECTOR_TYPE).tobytes()
    return len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded + plain


def _unpack(version: str, content: bytes) -> Snapshot:
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
    header = json.loads(content[_LENGTH_BYTES:start])
    plain = np.frombuffer(content, _VECTOR_TYPE, offset=start)
    plain = plain.reshape(len(header["face_ids"]), -1)
    return Snapshot(version=version, vectors=plain.astype(np.float32), **header)
