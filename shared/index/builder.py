"""Builds the snapshots of groups."""

import time
from collections.abc import Callable

from typing_extensions import override

from shared.core.recognition.models import Group, Manifest
from shared.core.recognition.ports import Faces, IndexBuilder, Sealer
from shared.index.snapshot import SnapshotStore
from shared.index.vectors import GroupVectors

_MIN_FACES = 100  # a graph needs some more than the neighbours of one face


class SnapshotBuilder(IndexBuilder):
    """Builds a snapshot from the previous one and the changes since."""

    def __init__(
        self,
        faces: Faces,
        sealer: Sealer,
        snapshots: SnapshotStore,
        *,
        graph_min_faces: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the stores.

        Args:
            faces: the faces of groups.
            sealer: decrypts their vectors.
            snapshots: stores the snapshots.
            graph_min_faces: from this size on, groups get a graph.
            clock: returns the seconds since 1970, UTC.
        """
        self._faces = faces
        self._sealer = sealer
        self._snapshots = snapshots
        self._graph_min_faces = graph_min_faces
        self._clock = clock

    @override
    def in_force(self, group: Group) -> Manifest | None:
        return self._snapshots.manifest(group)

    @override
    def build(self, group: Group) -> bool:
        """Build a snapshot of the group as it is now; a very small group does not get any.

        Returns:
            Whether it is in force; another process may have been faster.

        Raises:
            StoreUnavailableError: a store did not respond; the previous snapshot stays in force.
        """
        vectors = GroupVectors(self._snapshots.load(group))
        vectors.follow(group, self._faces, self._sealer)
        face_ids, living = vectors.living()
        if len(face_ids) < _MIN_FACES:
            return False
        with_graph = len(face_ids) >= self._graph_min_faces
        return self._snapshots.publish(
            group, vectors.last_change, face_ids, living, now=self._clock(), with_graph=with_graph
        )
