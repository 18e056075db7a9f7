"""Exact search: every row is compared with a vector, in one matrix-vector product.

Rows with codes are filtered by these first (`shared.index.codes`), which finds the same.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shared.index.codes import Codes

Matches = tuple[list[str], NDArray[np.float32]]
"""The ids of faces and their inner products with a vector, greatest first."""

_BYTES_PER_ID = 150  # a UUID as a string, and its place in a list and a dictionary


class Rows:
    """Parallel arrays that grow: vectors, face ids, and whether each row is alive.

    Rows are only appended, and removed ones are marked, so a search needs no lock: it uses the rows
    that existed when it started. Codes cover all rows, so rows with codes never grow.
    """

    def __init__(self, capacity: int, dimensions: int = 0) -> None:
        self.vectors = np.empty((capacity, dimensions), np.float32)
        self.alive = np.zeros(capacity, bool)
        self.face_ids: list[str] = []
        self.codes: Codes | None = None

    @classmethod
    def of(cls, face_ids: Sequence[str], vectors: NDArray[np.float32]) -> "Rows":
        """Return living rows; the array is used, not copied."""
        rows = cls(0)
        rows.vectors, rows.face_ids = vectors, list(face_ids)
        rows.alive = np.ones(len(vectors), bool)
        return rows

    @property
    def count(self) -> int:
        """The number of rows, including removed ones."""
        return len(self.face_ids)

    @property
    def bytes(self) -> int:
        """The approximate memory in use."""
        codes = self.codes.bytes if self.codes else 0
        return self.vectors.nbytes + codes + self.count * _BYTES_PER_ID

    @property
    def removed_share(self) -> float:
        """The share of removed rows, 0..1."""
        return 1 - float(self.alive[: self.count].mean()) if self.count else 0.0

    def append(self, face_id: str, vector: NDArray[np.float32]) -> int:
        """Add a row within the capacity; return its number."""
        row = self.count
        self.vectors[row] = vector
        self.alive[row] = True
        self.face_ids.append(face_id)
        return row

    def with_room_for(self, vectors: NDArray[np.float32]) -> "Rows":
        """Return these rows, or a larger copy; the first vectors determine the dimensions."""
        if len(vectors) and not self.count:
            return Rows(max(len(vectors), len(self.vectors)), vectors.shape[1])
        needed = self.count + len(vectors)
        if needed <= len(self.vectors):
            return self
        return self._copied(np.arange(self.count), max(needed, 2 * len(self.vectors)))

    def compacted(self, min_capacity: int = 0) -> "Rows":
        """Return a copy without the removed rows."""
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
) -> Matches:
    """Return the best `limit` living rows that reach a score, from the row `start` on."""
    end = rows.count
    if start >= end:
        return [], np.empty(0, np.float32)
    if rows.codes and not start:
        found = rows.codes.candidates(vector, rows.alive, limit, min_score)
        scores = rows.vectors[found] @ vector
        reached = scores >= min_score
        return best(rows, found[reached], scores[reached], limit)
    scores = rows.vectors[start:end] @ vector
    scores[~rows.alive[start:end]] = -np.inf
    found = np.flatnonzero(scores >= min_score)
    return best(rows, start + found, scores[found], limit)


def best(
    rows: Rows, found: NDArray[np.integer], scores: NDArray[np.float32], limit: int
) -> Matches:
    """Return the best `limit` of the rows numbered `found`, whose inner products are `scores`."""
    if len(found) > limit:
        kept = np.argpartition(-scores, limit)[:limit]
        found, scores = found[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return [rows.face_ids[row] for row in found[order]], scores[order]
