"""Search in groups: what each process keeps of them in memory, and how it is kept fresh.

A group's vectors are read once a process, those of a large group from its snapshot, and then follow
the group's changes: before each search the changes since the last one are applied, so what any
process added or removed is seen. A search never waits for the codes of a snapshot, nor for its
graph: until they are ready, and while a newer snapshot is read, all rows are multiplied.
"""

import contextvars
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import StoreUnavailableError
from shared.core.metrics import SEARCH_CHANGES, SEARCHES, SNAPSHOT_AGE, Metrics
from shared.core.recognition.models import Group
from shared.core.recognition.ports import Faces, Sealer
from shared.core.recognition.snapshots import is_due
from shared.index.snapshot import Snapshot, SnapshotStore
from shared.index.vectors import MAX_LIMIT, GroupVectors

_PAUSE_S = 30.0  # between two looks for a newer snapshot of a group

_logger = logging.getLogger(__name__)


class GroupIndex:
    """Implements `FaceIndex`."""

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
        """Take the store of faces, what opens their vectors, and the snapshots.

        Args:
            faces: the store of faces.
            sealer: opens their vectors.
            snapshots: of groups with at least `min_faces`.
            max_bytes: how much memory to use.
            min_faces: smaller groups are read face by face, and looked through.
            graph_min_faces: smaller groups are searched through no graph.
            metrics: counts searches.
            clock: seconds.
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

    def search(
        self,
        group: Group,
        vector: NDArray[np.float32],
        *,
        limit: int,
        min_score: float,
        must_be_exact: bool = False,
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Return the ids of the nearest faces and their inner products, greatest first."""
        vectors = self._of(group)
        if vectors.follow(group, self._faces, self._sealer):
            self._make_room(group.generation)
        if self._wants_refresh(group, vectors):
            self._refresh_beside(group, vectors)
        through_graph = vectors.has_graph and not must_be_exact and limit <= MAX_LIMIT
        self._record_metrics(group, vectors, "approximate" if through_graph else "exact")
        search = vectors.search if through_graph else vectors.scan
        return search(vector, limit, min_score)

    def is_ready(self, group: Group) -> bool:
        """Tell whether a search of the group goes through codes, or a graph, by now."""
        with self._lock:
            vectors = self._groups.get(group.generation)
            return vectors is not None and vectors.has_codes

    def _of(self, group: Group) -> GroupVectors:
        with self._lock:
            vectors = self._groups.get(group.generation)
            if vectors is not None:
                self._groups.move_to_end(group.generation)
                return vectors
        fresh = GroupVectors(self._load_snapshot(group))
        with self._lock:  # two at once may have read it: the first is kept
            vectors = self._groups.setdefault(group.generation, fresh)
        self._make_room(group.generation)
        return vectors

    def _load_snapshot(self, group: Group) -> Snapshot | None:
        """Return the snapshot of a large group, where it can be had: the rows hold the same."""
        if group.face_count < self._min_faces:
            return None
        try:
            return self._snapshots.load(group)
        except StoreUnavailableError:
            _logger.warning("a snapshot cannot be had at present")
            return None

    def _make_room(self, keep: str) -> None:
        """Forget the groups that were not searched for longest, until the rest fits."""
        with self._lock:
            used = sum(vectors.bytes for vectors in self._groups.values())
            for generation in list(self._groups):
                if used <= self._max_bytes or generation == keep:
                    break
                used -= self._groups.pop(generation).bytes

    def _wants_refresh(self, group: Group, vectors: GroupVectors) -> bool:
        """Tell whether codes, or a newer snapshot, would spare much; now and then."""
        if group.face_count < self._min_faces or not is_due(group.face_count, vectors.scanned):
            return False
        now = self._clock()
        with self._lock:
            if now < vectors.next_look:
                return False
            vectors.next_look = now + _PAUSE_S
            return True

    def _record_metrics(self, group: Group, vectors: GroupVectors, mode: str) -> None:
        self._metrics.count(SEARCHES, mode=mode)
        if (snapshot := vectors.snapshot) is not None:
            changes = group.last_change - snapshot.last_change
            self._metrics.observe(SEARCH_CHANGES, max(0, changes))
            self._metrics.observe(SNAPSHOT_AGE, max(0.0, time.time() - snapshot.built_at))

    def _refresh_beside(self, group: Group, vectors: GroupVectors) -> None:
        """Refresh in a thread, whose log lines carry the id of the request that started it."""
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=[self._refresh, group, vectors], daemon=True).start()

    def _refresh(self, group: Group, vectors: GroupVectors) -> None:
        """Attach the codes of the snapshot that is here, or take up a newer one with its codes."""
        with self._refreshing:  # one at a time: it takes memory, and the processor
            try:
                self._try_to_refresh(group, vectors)
            except Exception:  # a search never fails for it; the next one may look again
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
        self._make_room(group.generation)
        _logger.info("index ready", extra={"faces": len(snapshot.face_ids)})
