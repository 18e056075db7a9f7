"""The search index of groups: what a process keeps in memory, and how it stays up to date.

A process reads the vectors of a group once, for a large group from its snapshot. Before each
search, it applies the changes since the last one, so a search sees what any process added or
removed. A search never waits for the codes or the graph of a snapshot: until they are ready, and
while a newer snapshot is read, all rows are multiplied.
"""

import contextvars
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.errors import StoreUnavailableError
from shared.core.metrics import SEARCH_CHANGES, SEARCHES, SNAPSHOT_AGE, Metrics
from shared.core.recognition.models import Group
from shared.core.recognition.ports import FaceIndex, Faces, Sealer
from shared.core.recognition.snapshots import is_due
from shared.index.exact import Matches
from shared.index.snapshot import Snapshot, SnapshotStore
from shared.index.vectors import MAX_LIMIT, GroupVectors

_REFRESH_INTERVAL_S = 30.0  # a newer snapshot of a group is not looked for more often

_logger = logging.getLogger(__name__)


class GroupIndex(FaceIndex):
    """Searches groups in memory; several threads can use it."""

    def __init__(
        self,
        faces: Faces,
        sealer: Sealer,
        snapshots: SnapshotStore,
        *,
        max_bytes: int,
        min_faces: int,
        graph_min_faces: int,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the stores and the limits.

        Args:
            faces: the faces of groups.
            sealer: decrypts their vectors.
            snapshots: the snapshots of large groups.
            max_bytes: the memory to use; the group of the current search always stays.
            min_faces: from this size on, a group is read from its snapshot.
            graph_min_faces: from this size on, a group is searched through a graph.
            metrics: counts searches.
            clock: returns monotonic seconds.
        """
        self._faces = faces
        self._sealer = sealer
        self._snapshots = snapshots
        self._max_bytes = max_bytes
        self._min_faces = min_faces
        self._graph_min_faces = graph_min_faces
        self._metrics = metrics
        self._clock = clock
        self._groups: OrderedDict[str, GroupVectors] = OrderedDict()
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()

    @override
    def search(
        self,
        group: Group,
        vector: NDArray[np.float32],
        *,
        limit: int,
        min_score: float,
        must_be_exact: bool = False,
    ) -> Matches:
        vectors = self._vectors_of(group)
        if vectors.follow(group, self._faces, self._sealer):
            self._evict(group.generation)
        if self._is_refresh_due(group, vectors):
            self._refresh_in_background(group, vectors)
        approximate = vectors.has_graph and not must_be_exact and limit <= MAX_LIMIT
        self._record_metrics(group, vectors, "approximate" if approximate else "exact")
        return vectors.search(vector, limit, min_score, approximate=approximate)

    def is_ready(self, group: Group) -> bool:
        """Return whether a search of the group uses codes or a graph by now."""
        with self._lock:
            vectors = self._groups.get(group.generation)
            return vectors is not None and vectors.has_codes

    def _vectors_of(self, group: Group) -> GroupVectors:
        with self._lock:
            vectors = self._groups.get(group.generation)
            if vectors is not None:
                self._groups.move_to_end(group.generation)
                return vectors
        fresh = GroupVectors(self._load_snapshot(group))
        with self._lock:  # of two threads that read it, the first wins
            vectors = self._groups.setdefault(group.generation, fresh)
        self._evict(group.generation)
        return vectors

    def _load_snapshot(self, group: Group) -> Snapshot | None:
        """Return the snapshot of a large group, if available; the store's rows have the same."""
        if group.face_count < self._min_faces:
            return None
        try:
            return self._snapshots.load(group)
        except StoreUnavailableError:
            _logger.warning("a snapshot is unavailable at present")
            return None

    def _evict(self, keep: str) -> None:
        """Drop the least recently searched groups until the rest fits into the memory."""
        with self._lock:
            used = sum(vectors.bytes for vectors in self._groups.values())
            for generation in list(self._groups):
                if used <= self._max_bytes or generation == keep:
                    break
                used -= self._groups.pop(generation).bytes

    def _is_refresh_due(self, group: Group, vectors: GroupVectors) -> bool:
        """Return whether codes or a newer snapshot would save much, at most once per interval."""
        if group.face_count < self._min_faces or not is_due(group.face_count, vectors.scanned):
            return False
        now = self._clock()
        with self._lock:
            if now < vectors.next_refresh:
                return False
            vectors.next_refresh = now + _REFRESH_INTERVAL_S
            return True

    def _record_metrics(self, group: Group, vectors: GroupVectors, mode: str) -> None:
        self._metrics.count(SEARCHES, mode=mode)
        if (snapshot := vectors.snapshot) is not None:
            changes = group.last_change - snapshot.last_change
            self._metrics.observe(SEARCH_CHANGES, max(0, changes))
            self._metrics.observe(SNAPSHOT_AGE, max(0.0, time.time() - snapshot.built_at))

    def _refresh_in_background(self, group: Group, vectors: GroupVectors) -> None:
        """Refresh in a thread; its log lines have the id of the request that started it."""
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=[self._refresh, group, vectors], daemon=True).start()

    def _refresh(self, group: Group, vectors: GroupVectors) -> None:
        """Attach codes to the current snapshot, or load a newer one with its codes."""
        with self._refreshing:  # one at a time, because it needs memory and processor time
            try:
                self._try_to_refresh(group, vectors)
            except Exception:  # searches must not fail; one of the next tries again
                _logger.exception("an index could not be loaded")

    def _try_to_refresh(self, group: Group, vectors: GroupVectors) -> None:
        manifest = self._snapshots.manifest(group)
        if manifest is None:
            return
        if vectors.snapshot is None or vectors.snapshot.version != manifest.version:
            vectors = GroupVectors(self._snapshots.load(group))
        elif vectors.has_codes:
            return
        snapshot = vectors.snapshot
        if snapshot is None:
            return
        from shared.index.codes import Codes  # noqa: PLC0415 - heavy

        codes, graph = Codes(snapshot.vectors), None
        if group.face_count >= self._graph_min_faces:
            graph = self._snapshots.load_graph(group, snapshot)
        vectors.follow(group, self._faces, self._sealer)
        vectors.attach(snapshot, codes, graph)
        with self._lock:
            if group.generation in self._groups:
                self._groups[group.generation] = vectors
        self._evict(group.generation)
        _logger.info("index ready", extra={"faces": len(snapshot.face_ids)})
