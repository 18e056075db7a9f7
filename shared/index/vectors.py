"""The vectors of one group in memory: those of a snapshot, and those that came since."""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.core.recognition.models import FaceChange, Group
from shared.core.recognition.ports import Faces, Sealer
from shared.index.exact import Rows, best, scan
from shared.index.snapshot import Snapshot

if TYPE_CHECKING:
    from shared.index.ann import Graph
    from shared.index.codes import Codes

Found = tuple[list[str], NDArray[np.float32]]

_MIN_CAPACITY = 64  # rows
_BATCH = 10_000  # changes opened at a time
_MAX_DEAD_SHARE = 0.25  # of the rows; above it they are cleared away

# A quick look through the graph, and a thorough one where the quick one was a close call: where the
# last face to be returned is nearly as far away as all that was looked at, others may be as near.
# What is missed all the same `python -m benchmarks.large_group --graph` tells.
_EFFORTS = 0.1, 0.4
_ASKED = 15, 2  # rows asked of the graph: so many, and so many times the limit
_CLOSE_CALL = 0.9  # the distance of the last face, of that of the farthest row that was looked at

MAX_LIMIT = 20
"""Of a search through a graph; above it, looking at all rows costs about the same."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a search works on: it takes one of these, and no lock.

    The rows of the base never grow: they may have codes, and there may be a graph over the first of
    them. Those of the tail came since.
    """

    base: Rows
    tail: Rows
    graph: "Graph | None" = None

    @property
    def count(self) -> int:
        return self.base.count + self.tail.count


class GroupVectors:
    """The vectors of one group, as of one of its changes."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        """Begin with a snapshot, or with nothing."""
        base = Rows.of(snapshot.face_ids, snapshot.vectors) if snapshot else Rows(0)
        self.snapshot = snapshot
        self.next_look = 0.0  # when a newer snapshot may be looked for, on the clock of the index
        self._lock = threading.Lock()
        self._change = snapshot.last_change if snapshot else 0
        self._place_of = {face_id: row for row, face_id in enumerate(base.face_ids)}
        self._parts = _Parts(base, Rows(_MIN_CAPACITY))

    @property
    def last_change(self) -> int:
        """The number of the newest change that was applied."""
        return self._change

    @property
    def bytes(self) -> int:
        """The memory in use, about."""
        parts = self._parts
        return parts.base.bytes + parts.tail.bytes + (parts.graph.bytes if parts.graph else 0)

    @property
    def has_codes(self) -> bool:
        """Whether the rows of a snapshot are looked at through codes."""
        return self._parts.base.codes is not None

    @property
    def has_graph(self) -> bool:
        """Whether a search can be approximate."""
        return self._parts.graph is not None

    @property
    def scanned(self) -> int:
        """How many rows a search multiplies number by number."""
        return self._parts.tail.count if self.has_codes else self._parts.count

    def attach(self, snapshot: Snapshot, codes: "Codes", graph: "Graph | None" = None) -> None:
        """Search the rows of the snapshot through these from now on, if they are still here."""
        with self._lock:
            if self.snapshot is snapshot:
                self._parts.base.codes = codes
                self._parts = replace(self._parts, graph=graph)

    def follow(self, group: Group, faces: Faces, sealer: Sealer) -> bool:
        """Apply the changes of the group that were made since the last call, if there were any."""
        if self._change >= group.last_change:
            return False
        with self._lock:
            batch: list[FaceChange] = []
            for change in faces.changes(group, after=self._change):
                batch.append(change)
                if len(batch) == _BATCH:
                    self._apply(group, batch, sealer)
                    batch = []
            self._apply(group, batch, sealer)
        return True

    def search(self, vector: NDArray[np.float32], limit: int, min_score: float) -> Found:
        """Return the ids of the nearest faces and their inner products, greatest first.

        The rows of the graph, if there is one, are searched through it.
        """
        parts = self._parts
        if parts.graph is None:
            return _scan(parts, vector, limit, min_score)
        found = _through_graph(parts.base, parts.graph, vector, limit, min_score)
        if found is None:
            return _scan(parts, vector, limit, min_score)
        rest = _scan(parts, vector, limit, min_score, start=parts.graph.count)
        return _merged(found, rest, limit)

    def scan(self, vector: NDArray[np.float32], limit: int, min_score: float) -> Found:
        """Return the same, having looked at every face."""
        return _scan(self._parts, vector, limit, min_score)

    def living(self) -> tuple[list[str], NDArray[np.float32]]:
        """Return the ids and a copy of the vectors of all faces, float32 of shape (n, dimension).

        Of no faces the dimension is not known: the shape is then (0, 0).
        """
        with self._lock:
            kept = [rows.without_the_dead() for rows in (self._parts.base, self._parts.tail)]
            face_ids = [face_id for rows in kept for face_id in rows.face_ids]
            vectors = [rows.vectors[: rows.count] for rows in kept if rows.count]
            return face_ids, np.concatenate(vectors or [np.empty((0, 0), np.float32)])

    def _apply(self, group: Group, changes: Iterable[FaceChange], sealer: Sealer) -> None:
        changes = list(changes)
        if not changes:
            return
        added = [c for c in changes if c.sealed_vector is not None]
        sealed = [c.sealed_vector for c in added if c.sealed_vector is not None]
        vectors = sealer.open_many(group, [c.face_id for c in added], sealed)
        base = self._parts.base
        tail = self._parts.tail.with_room_for(vectors)
        for change, vector in zip(added, vectors, strict=True):
            self._place_of[change.face_id] = base.count + tail.append(change.face_id, vector)
        for change in changes:
            if change.sealed_vector is None and change.face_id in self._place_of:
                place = self._place_of.pop(change.face_id)
                rows, row = (base, place) if place < base.count else (tail, place - base.count)
                rows.alive[row] = False
        self._parts = self._cleared(replace(self._parts, tail=tail))
        self._change = changes[-1].number

    def _cleared(self, parts: _Parts) -> _Parts:
        """Return the parts without dead rows where these are many; the graph goes with its rows."""
        if parts.base.dead_share > _MAX_DEAD_SHARE:
            self.snapshot = None
            parts = _Parts(parts.base.without_the_dead(), parts.tail)
        elif parts.tail.count <= _MIN_CAPACITY or parts.tail.dead_share <= _MAX_DEAD_SHARE:
            return parts
        parts = replace(parts, tail=parts.tail.without_the_dead(_MIN_CAPACITY))
        face_ids = [*parts.base.face_ids, *parts.tail.face_ids]
        self._place_of = {
            face_id: place
            for place, face_id in enumerate(face_ids)
            if place >= parts.base.count or parts.base.alive[place]
        }
        return parts


def _scan(
    parts: _Parts, vector: NDArray[np.float32], limit: int, min_score: float, *, start: int = 0
) -> Found:
    """Look at the rows of the base from `start` on, and at all of the tail."""
    in_base = scan(parts.base, vector, limit, min_score, start=start)
    if not parts.tail.count:
        return in_base
    return _merged(in_base, scan(parts.tail, vector, limit, min_score), limit)


def _through_graph(
    base: Rows, graph: "Graph", vector: NDArray[np.float32], limit: int, min_score: float
) -> Found | None:
    """Return what a scan would, or None where faces may have been cut off."""
    for effort in _EFFORTS:
        near = graph.nearest(vector, _ASKED[0] + _ASKED[1] * limit, effort=effort)
        scores = base.vectors[near] @ vector
        is_found = base.alive[near] & (scores >= min_score)
        found = best(base, near[is_found], scores[is_found], limit)
        farthest = float(scores.min(initial=1.0))
        last = float(found[1][-1]) if len(found[0]) == limit else min_score
        if _distance(last) <= _CLOSE_CALL * _distance(farthest):
            return found
    is_cut_off = len(found[0]) < limit and farthest >= min_score
    return None if is_cut_off else found


def _distance(score: float) -> float:
    """Return the distance between unit vectors whose inner product is given."""
    return math.sqrt(max(0.0, 2.0 - 2.0 * score))


def _merged(one: Found, other: Found, limit: int) -> Found:
    if not other[0]:
        return one
    face_ids = one[0] + other[0]
    scores = np.concatenate([one[1], other[1]])
    order = np.argsort(-scores, kind="stable")[:limit]
    return [face_ids[place] for place in order], scores[order]
