"""The vectors of one group in memory: those of a snapshot, and those added since."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.core.recognition.models import FaceChange, Group
from shared.core.recognition.ports import Faces, Sealer
from shared.index.exact import Matches, Rows, best, scan
from shared.index.snapshot import Snapshot

if TYPE_CHECKING:
    from shared.index.ann import Graph
    from shared.index.codes import Codes

MAX_LIMIT = 20
"""The greatest limit of an approximate search; above it, scanning costs about the same."""

_MIN_CAPACITY = 64  # rows
_BATCH = 10_000  # changes that are decrypted at once
_MAX_REMOVED_SHARE = 0.25  # of the rows; above it, they are compacted

# A quick search of the graph, then a thorough one unless the last match is clearly nearer than the
# farthest row that was visited: otherwise, rows that were not visited may be as near.
# `python -m benchmarks.large_group --graph` measures what is missed all the same.
_EFFORTS = 0.1, 0.4
_MIN_VISITED, _VISITED_PER_MATCH = 15, 2  # rows that the graph is asked for
_CLEARLY_NEARER = 0.9  # the distance of the last match, relative to that of the farthest row


@dataclass(frozen=True, slots=True)
class _Parts:
    """The rows of one search, which needs no lock.

    The rows of the base never grow, so they can have codes, and a graph over the first of them. The
    tail has the rows added since.
    """

    base: Rows
    tail: Rows
    graph: "Graph | None" = None

    @property
    def count(self) -> int:
        return self.base.count + self.tail.count


class GroupVectors:
    """The vectors of one group, as of one of its changes.

    Attributes:
        snapshot: that the base comes from; None without one, or if the base was compacted since.
        last_change: the number of the newest change that was applied.
        next_refresh: when to look for a newer snapshot, on the clock of the index.
    """

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        """Start with a snapshot, or empty."""
        base = Rows.of(snapshot.face_ids, snapshot.vectors) if snapshot else Rows(0)
        self.snapshot = snapshot
        self.last_change = snapshot.last_change if snapshot else 0
        self.next_refresh = 0.0
        self._lock = threading.Lock()
        self._place_of = {face_id: row for row, face_id in enumerate(base.face_ids)}
        self._parts = _Parts(base, Rows(_MIN_CAPACITY))

    @property
    def bytes(self) -> int:
        """The approximate memory in use."""
        parts = self._parts
        return parts.base.bytes + parts.tail.bytes + (parts.graph.bytes if parts.graph else 0)

    @property
    def has_codes(self) -> bool:
        """Whether the rows of a snapshot are searched through codes."""
        return self._parts.base.codes is not None

    @property
    def has_graph(self) -> bool:
        """Whether a search can be approximate."""
        return self._parts.graph is not None

    @property
    def scanned(self) -> int:
        """The number of rows that a search multiplies completely."""
        return self._parts.tail.count if self.has_codes else self._parts.count

    def attach(self, snapshot: Snapshot, codes: "Codes", graph: "Graph | None" = None) -> None:
        """Use codes and a graph of a snapshot from now on, if its rows are still here."""
        with self._lock:
            if self.snapshot is snapshot:
                self._parts.base.codes = codes
                self._parts = replace(self._parts, graph=graph)

    def follow(self, group: Group, faces: Faces, sealer: Sealer) -> bool:
        """Apply the changes of the group since the last call; return whether there were any."""
        if self.last_change >= group.last_change:
            return False
        with self._lock:
            changes = faces.changes(group, after=self.last_change)
            while batch := list(islice(changes, _BATCH)):
                self._apply(group, batch, sealer)
        return True

    def search(
        self, vector: NDArray[np.float32], limit: int, min_score: float, *, approximate: bool
    ) -> Matches:
        """Return the nearest faces, greatest inner product first.

        Args:
            vector: of unit length, float32 of shape (dimensions,).
            limit: the maximum number of faces.
            min_score: the lowest inner product.
            approximate: whether to search through the graph, if there is one.
        """
        parts = self._parts
        if approximate and parts.graph is not None:
            found = _search_graph(parts.base, parts.graph, vector, limit, min_score)
            if found is not None:
                rest = _scan(parts, vector, limit, min_score, start=parts.graph.count)
                return _merged(found, rest, limit)
        return _scan(parts, vector, limit, min_score)

    def living(self) -> tuple[list[str], NDArray[np.float32]]:
        """Return the ids and a copy of the vectors of all faces, float32 of shape (n, dimensions).

        The shape is (0, 0) without any faces.
        """
        with self._lock:
            kept = [rows.compacted() for rows in (self._parts.base, self._parts.tail)]
            face_ids = [face_id for rows in kept for face_id in rows.face_ids]
            vectors = [rows.vectors[: rows.count] for rows in kept if rows.count]
            return face_ids, np.concatenate(vectors or [np.empty((0, 0), np.float32)])

    def _apply(self, group: Group, changes: Sequence[FaceChange], sealer: Sealer) -> None:
        added = {c.face_id: c.sealed_vector for c in changes if c.sealed_vector is not None}
        vectors = sealer.open_many(group, list(added), list(added.values()))
        base = self._parts.base
        tail = self._parts.tail.with_room_for(vectors)
        for face_id, vector in zip(added, vectors, strict=True):
            self._place_of[face_id] = base.count + tail.append(face_id, vector)
        for change in changes:
            if change.sealed_vector is None and change.face_id in self._place_of:
                place = self._place_of.pop(change.face_id)
                rows, row = (base, place) if place < base.count else (tail, place - base.count)
                rows.alive[row] = False
        self._parts = self._compacted(replace(self._parts, tail=tail))
        self.last_change = changes[-1].number

    def _compacted(self, parts: _Parts) -> _Parts:
        """Return the parts without their removed rows, if many; the graph goes with its rows."""
        if parts.base.removed_share > _MAX_REMOVED_SHARE:
            self.snapshot = None
            parts = _Parts(parts.base.compacted(), parts.tail)
        elif parts.tail.count <= _MIN_CAPACITY or parts.tail.removed_share <= _MAX_REMOVED_SHARE:
            return parts
        parts = replace(parts, tail=parts.tail.compacted(_MIN_CAPACITY))
        face_ids = [*parts.base.face_ids, *parts.tail.face_ids]
        self._place_of = {
            face_id: place
            for place, face_id in enumerate(face_ids)
            if place >= parts.base.count or parts.base.alive[place]
        }
        return parts


def _scan(
    parts: _Parts, vector: NDArray[np.float32], limit: int, min_score: float, *, start: int = 0
) -> Matches:
    """Scan the rows of the base from `start` on, and the whole tail."""
    in_base = scan(parts.base, vector, limit, min_score, start=start)
    return _merged(in_base, scan(parts.tail, vector, limit, min_score), limit)


def _search_graph(
    base: Rows, graph: "Graph", vector: NDArray[np.float32], limit: int, min_score: float
) -> Matches | None:
    """Return what a scan of the graph's rows would, or None if matches may have been cut off."""
    for effort in _EFFORTS:
        near = graph.nearest(vector, _MIN_VISITED + _VISITED_PER_MATCH * limit, effort=effort)
        scores = base.vectors[near] @ vector
        is_match = base.alive[near] & (scores >= min_score)
        found = best(base, near[is_match], scores[is_match], limit)
        farthest = float(scores.min(initial=1.0))
        last = float(found[1][-1]) if len(found[0]) == limit else min_score
        if _distance(last) <= _CLEARLY_NEARER * _distance(farthest):
            return found
    is_cut_off = len(found[0]) < limit and farthest >= min_score
    return None if is_cut_off else found


def _distance(score: float) -> float:
    """Return the distance between two unit vectors with this inner product."""
    return math.sqrt(max(0.0, 2.0 - 2.0 * score))


def _merged(one: Matches, other: Matches, limit: int) -> Matches:
    if not other[0]:
        return one
    face_ids = one[0] + other[0]
    scores = np.concatenate([one[1], other[1]])
    order = np.argsort(-scores, kind="stable")[:limit]
    return [face_ids[place] for place in order], scores[order]
