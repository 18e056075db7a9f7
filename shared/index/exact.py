"""Exact search: every vector of a group, in memory, compared with one matrix-vector product.

A group's vectors are read once a process and then follow the group's changes: before each search
the changes since the last one are applied, so what any process added or removed is seen.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from shared.core.models import FaceChange, Group
from shared.core.ports import Faces, Sealer

_DIMENSION = 128
_SMALLEST_CAPACITY = 64  # rows
_BYTES_PER_ID = 150  # a UUID as text, and its place in a list and a dictionary
_BATCH = 10_000  # changes opened at a time
_MOST_DEAD = 0.25  # of the rows; above it they are cleared away


class ExactIndex:
    """Fills the port `FaceIndex`."""

    def __init__(self, faces: Faces, sealer: Sealer, *, max_bytes: int) -> None:
        """Take the store of faces, what opens their vectors, and how much memory to use."""
        self._faces = faces
        self._sealer = sealer
        self._max_bytes = max_bytes
        self._groups: OrderedDict[str, _GroupVectors] = OrderedDict()
        self._lock = threading.Lock()

    def search(
        self, group: Group, vector: NDArray[np.float32], *, limit: int, min_score: float
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Return the ids of the nearest faces and their inner products, greatest first."""
        vectors = self._of(group)
        vectors.follow(group, self._faces, self._sealer)
        self._make_room(group.generation)
        return vectors.search(vector, limit, min_score)

    def _of(self, group: Group) -> "_GroupVectors":
        with self._lock:
            vectors = self._groups.setdefault(group.generation, _GroupVectors())
            self._groups.move_to_end(group.generation)
            return vectors

    def _make_room(self, keep: str) -> None:
        """Forget the groups that were not searched for longest, until the rest fits."""
        with self._lock:
            used = sum(vectors.bytes for vectors in self._groups.values())
            for generation in list(self._groups):
                if used <= self._max_bytes or generation == keep:
                    break
                used -= self._groups.pop(generation).bytes


class _GroupVectors:
    """The vectors of one group, as of one of its changes.

    Rows are only ever appended: a search works on the rows that were there when it began, without a
    lock. A removed row is marked dead; when too many are, the live ones move to new arrays.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._change = 0
        self._row_of: dict[str, int] = {}
        self._rows = _Rows(_SMALLEST_CAPACITY)

    @property
    def bytes(self) -> int:
        """The memory in use, about."""
        return self._rows.vectors.nbytes + len(self._rows.face_ids) * _BYTES_PER_ID

    def follow(self, group: Group, faces: Faces, sealer: Sealer) -> None:
        """Apply the changes of the group that were made since the last call."""
        if self._change >= group.last_change:
            return
        with self._lock:
            batch: list[FaceChange] = []
            for change in faces.changes(group, after=self._change):
                batch.append(change)
                if len(batch) == _BATCH:
                    self._apply(group, batch, sealer)
                    batch = []
            self._apply(group, batch, sealer)

    def search(
        self, vector: NDArray[np.float32], limit: int, min_score: float
    ) -> tuple[list[str], NDArray[np.float32]]:
        rows = self._rows
        count = rows.count
        scores = rows.vectors[:count] @ vector
        scores[~rows.alive[:count]] = -np.inf
        found = np.flatnonzero(scores >= min_score)
        if len(found) > limit:
            found = found[np.argpartition(-scores[found], limit)[:limit]]
        found = found[np.argsort(-scores[found], kind="stable")]
        return [rows.face_ids[row] for row in found], scores[found]

    def _apply(self, group: Group, changes: Iterable[FaceChange], sealer: Sealer) -> None:
        changes = list(changes)
        if not changes:
            return
        added = [c for c in changes if c.sealed_vector is not None]
        sealed = [c.sealed_vector for c in added if c.sealed_vector is not None]
        vectors = sealer.open_many(group, [c.face_id for c in added], sealed)
        rows = self._rows.with_room_for(len(added))
        for change, vector in zip(added, vectors, strict=True):
            self._row_of[change.face_id] = rows.append(change.face_id, vector)
        for change in changes:
            if change.sealed_vector is None and change.face_id in self._row_of:
                rows.alive[self._row_of.pop(change.face_id)] = False
        if rows.count > _SMALLEST_CAPACITY and len(self._row_of) < (1 - _MOST_DEAD) * rows.count:
            rows = rows.without_the_dead()
            self._row_of = {face_id: row for row, face_id in enumerate(rows.face_ids)}
        self._rows = rows
        self._change = changes[-1].number


class _Rows:
    """Growing parallel arrays: vectors (float32, capacity x 128), ids, and which are alive."""

    def __init__(self, capacity: int) -> None:
        self.vectors = np.empty((capacity, _DIMENSION), np.float32)
        self.alive = np.zeros(capacity, bool)
        self.face_ids: list[str] = []

    @property
    def count(self) -> int:
        """The number of rows, dead ones included."""
        return len(self.face_ids)

    def append(self, face_id: str, vector: NDArray[np.float32]) -> int:
        """Add a row, for which there must be room; return its place."""
        row = self.count
        self.vectors[row] = vector
        self.alive[row] = True
        self.face_ids.append(face_id)
        return row

    def with_room_for(self, more: int) -> "_Rows":
        """Return these rows, or a copy in larger arrays."""
        needed = self.count + more
        if needed <= len(self.vectors):
            return self
        return self._copied(np.arange(self.count), max(needed, 2 * len(self.vectors)))

    def without_the_dead(self) -> "_Rows":
        """Return a copy of the rows that are alive."""
        living = np.flatnonzero(self.alive[: self.count])
        return self._copied(living, max(len(living), _SMALLEST_CAPACITY))

    def _copied(self, kept: NDArray[np.intp], capacity: int) -> "_Rows":
        copy = _Rows(capacity)
        copy.vectors[: len(kept)] = self.vectors[kept]
        copy.alive[: len(kept)] = self.alive[kept]
        copy.face_ids = [self.face_ids[row] for row in kept]
        return copy
