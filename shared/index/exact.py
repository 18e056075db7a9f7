"""Exact search: a vector compared with every row, by one matrix-vector product.

Rows that have codes are looked at through these first (`shared.index.codes`), which finds the same.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shared.index.codes import Codes
_BYTES_PER_ID = 150  # a UUID as text, and its place in a list and a dictionary


class Rows:
    """Growing parallel arrays: vectors (float32, capacity x dimension), ids, and which are alive.

    Rows are only ever appended, so that a search can work, without a lock, on those that were there
    when it began. One that is removed is marked dead. Codes are given to rows that never grow: they
    are of all rows.
    """

    def __init__(self, capacity: int, dimension: int = 0) -> None:
        self.vectors = np.empty((capacity, dimension), np.float32)
        self.alive = np.zeros(capacity, bool)
        self.face_ids: list[str] = []
        self.codes: Codes | None = None

    @classmethod
    def of(cls, face_ids: Sequence[str], vectors: NDArray[np.float32]) -> "Rows":
        """Return living rows; the array is taken over, not copied."""
        rows = cls(0)
        rows.vectors, rows.face_ids = vectors, list(face_ids)
        rows.alive = np.ones(len(vectors), bool)
        return rows

    @property
    def count(self) -> int:
        """The number of rows, dead ones included."""
        return len(self.face_ids)

    @property
    def bytes(self) -> int:
        """The memory in use, about."""
        codes = self.codes.bytes if self.codes else 0
        return self.vectors.nbytes + codes + self.count * _BYTES_PER_ID

    @property
    def dead_share(self) -> float:
        """The share of the rows that are dead, 0..1."""
        return 1 - float(self.alive[: self.count].mean()) if self.count else 0.0

    def append(self, face_id: str, vector: NDArray[np.float32]) -> int:
        """Add a row, for which there must be room; return its place."""
        row = self.count
        self.vectors[row] = vector
        self.alive[row] = True
        self.face_ids.append(face_id)
        return row

    def with_room_for(self, vectors: NDArray[np.float32]) -> "Rows":
        """Return these rows, or a copy in larger arrays. The first vectors tell the dimension."""
        if len(vectors) and not self.count:
            return Rows(max(len(vectors), len(self.vectors)), vectors.shape[1])
        needed = self.count + len(vectors)
        if needed <= len(self.vectors):
            return self
        return self._copied(np.arange(self.count), max(needed, 2 * len(self.vectors)))

    def without_the_dead(self, min_capacity: int = 0) -> "Rows":
        """Return a copy of the rows that are alive."""
        living = np.flatnonzero(self.alive[: self.count])
        return self._copied(living, max(len(living), min_capacity))

    def _copied(self, kept: NDArray[np.intp], capacity: int) -> "Rows":
        copy = Rows(capacity, self.vectors.shape[1])
        copy.vectors[: len(kept)] = self.vectors[kept]
        copy.alive[: len(kept)] = self.alive[kept]
        copy.face_ids = [self.face_ids[row] for row in kept]
        return copy


def scan(
    rows: Rows, vector: NDArray[np.float32], limit: int, min_score: float, *, start: int = 0
) -> tuple[list[str], NDArray[np.float32]]:
    """Return the ids of the nearest living rows and their inner products, greatest first.

    At most `limit`, each with an inner product of at least `min_score`; only rows from `start` on.
    """
    end = rows.count
    if start >= end:
        return [], np.empty(0, np.float32)
    if rows.codes and not start:
        found = rows.codes.candidates(vector, rows.alive, limit, min_score)
        scores = rows.vectors[found] @ vector
        is_found = scores >= min_score
        return best(rows, found[is_found], scores[is_found], limit)
    scores = rows.vectors[start:end] @ vector
    scores[~rows.alive[start:end]] = -np.inf
    found = np.flatnonzero(scores >= min_score)
    return best(rows, start + found, scores[found], limit)


def best(
    rows: Rows, found: NDArray[np.integer], scores: NDArray[np.float32], limit: int
) -> tuple[list[str], NDArray[np.float32]]:
    """Return the ids of the `limit` best of the rows `found`, and their scores, greatest first.

    `scores` are those of `found`, in the same order.
    """
    if len(found) > limit:
        kept = np.argpartition(-scores, limit)[:limit]
        found, scores = found[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return [rows.face_ids[row] for row in found[order]], scores[order]
