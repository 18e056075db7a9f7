"""Building the snapshots of groups."""

import time
from collections.abc import Callable

from shared.core.recognition.models import Group, Manifest
from shared.core.recognition.ports import Faces, Sealer
from shared.index.snapshot import SnapshotStore
from shared.index.vectors import GroupVectors

_MIN = 100  # faces: a graph needs some more than the neighbours of one


class SnapshotBuilder:
    """Implements `IndexBuilder`."""

    def __init__(
        self,
        faces: Faces,
        sealer: Sealer,
        snapshots: SnapshotStore,
        *,
        graph_min_faces: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the store of faces, what opens their vectors, and the snapshots.

        Args:
            faces: the store of faces.
            sealer: opens their vectors.
            snapshots: what is built.
            graph_min_faces: the snapshots of smaller groups have no graph.
            clock: seconds since 1970, UTC.
        """
        self._faces = faces
        self._sealer = sealer
        self._snapshots = snapshots
        self._graph_min_faces = graph_min_faces
        self._clock = clock

    def in_force(self, group: Group) -> Manifest | None:
        """Return what the snapshot of the group covers, or None where it has none."""
        return self._snapshots.manifest(group)

    def build(self, group: Group) -> bool:
        """Make a snapshot of the group as it is now: the one before, and what changed since.

        Returns:
            Whether it is in force; another process may have been faster.

        Raises:
            StoreUnavailableError: a store did not answer; the snapshot before stays in force.
        """
        vectors = GroupVectors(self._snapshots.load(group))
        vectors.follow(group, self._faces, self._sealer)
        face_ids, living = vectors.living()
        if len(face_ids) < _MIN:
            return False
        return self._snapshots.publish(
            group,
            last_change=vectors.last_change,
            face_ids=face_ids,
            vectors=living,
            now=self._clock(),
            with_graph=len(face_ids) >= self._graph_min_faces,
        )
