"""A group in a store, an index over it, and the expected content of the group."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.face_vectors import Population
from shared.core.photos.models import Box
from shared.core.recognition.models import Group, StoredFace
from shared.index.builder import SnapshotBuilder
from shared.index.groups import GroupIndex
from shared.index.snapshot import SnapshotStore
from shared.metrics.noop import NoopMetrics
from shared.storage.cipher import AesGcmSealer
from shared.storage.local.blobs import FileBlobs
from shared.storage.local.master_key import FileKeyWrapper
from tests.fakes import InMemoryFaces, InMemoryGroups

PLENTY = 1 << 30


class Story:
    """A group in a store, an index over it, and the expected content of the group."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = PLENTY,
        min_faces: int = PLENTY,
        graph_min_faces: int = PLENTY,
    ) -> None:
        self.groups = InMemoryGroups()
        self.faces = InMemoryFaces(self.groups)
        self.sealer = AesGcmSealer(FileKeyWrapper(folder))
        self.blobs = FileBlobs(folder / "snapshots")
        self.snapshots = SnapshotStore(self.blobs, self.sealer)
        self.max_bytes, self.min_faces = max_bytes, min_faces
        self.graph_min_faces = graph_min_faces
        self.builder = self.fresh_builder()
        self.now = 0.0
        self.index = self.fresh_index()
        self.population = Population(people=300)
        self.known: dict[str, NDArray[np.float32]] = {}
        self.create("g")

    def fresh_builder(self) -> SnapshotBuilder:
        """Return a builder, as another process would."""
        return SnapshotBuilder(
            self.faces, self.sealer, self.snapshots, graph_min_faces=self.graph_min_faces
        )

    def fresh_index(self) -> GroupIndex:
        """Return an index, as another process would."""
        return GroupIndex(
            self.faces,
            self.sealer,
            self.snapshots,
            max_bytes=self.max_bytes,
            min_faces=self.min_faces,
            graph_min_faces=self.graph_min_faces,
            metrics=NoopMetrics(),
            clock=lambda: self.now,
        )

    def create(self, name: str) -> None:
        key = self.sealer.new_group_key(name)
        self.groups.create(Group("t", name, name, "m", datetime.now(UTC), key))

    def restore_backup(self) -> None:
        """Continue with a store that has the group and its data key, but none of its changes."""
        group = replace(self.group(), face_count=0, last_change=0)
        self.groups = InMemoryGroups()
        self.groups.create(group)
        self.faces = InMemoryFaces(self.groups)
        self.builder = self.fresh_builder()
        self.index = self.fresh_index()
        self.known.clear()

    def group(self, name: str = "g") -> Group:
        return self.groups.get("t", name)

    def vector(self) -> NDArray[np.float32]:
        """Return a new vector of one of the people."""
        (vector,) = self.population.anyone()
        return np.asarray(vector)

    def add(self, count: int, name: str = "g") -> None:
        self.add_vectors([self.vector() for _ in range(count)], name)

    def add_vectors(self, vectors: Sequence[NDArray[np.float32]], name: str = "g") -> None:
        group = self.group(name)
        new = []
        for vector in vectors:
            face_id = str(uuid.uuid4())
            self.known[face_id] = vector
            sealed = self.sealer.seal(group, face_id, vector)
            new.append(StoredFace(face_id, "i", None, Box(0, 0, 1, 1), 1.0, sealed))
        assert self.faces.add(group, new, capacity=100_000) == len(new)

    def remove(self, count: int) -> None:
        self.remove_ids(list(self.known)[:count])

    def remove_ids(self, face_ids: Sequence[str]) -> None:
        for face_id in face_ids:
            self.faces.remove(self.group(), face_id)
            del self.known[face_id]

    def found(self, vector: NDArray[np.float32]) -> list[str]:
        """Return the ids of the five nearest faces."""
        return self.index.search(self.group(), vector, limit=5, min_score=-1.0)[0]

    def check(
        self, limit: int = 10, min_score: float = -1.0, *, must_be_exact: bool = False
    ) -> None:
        """Compare a search with a plain scan; equal scores may be in any order."""
        query = self.vector()
        ids, scores = self.index.search(
            self.group(), query, limit=limit, min_score=min_score, must_be_exact=must_be_exact
        )
        products = {face_id: float(vector @ query) for face_id, vector in self.known.items()}
        expected = sorted((p for p in products.values() if p >= min_score), reverse=True)[:limit]
        assert len(set(ids)) == len(ids) == len(expected)
        assert np.allclose(scores, expected, atol=1e-6)
        assert np.allclose(scores, [products[face_id] for face_id in ids], atol=1e-6)
        assert list(scores) == sorted(scores, reverse=True)
        assert scores.dtype == np.float32
