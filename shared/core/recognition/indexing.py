"""Keeps the snapshots of large groups up to date."""

from shared.core.errors import GroupNotFoundError
from shared.core.recognition.ports import Groups, IndexBuilder
from shared.core.recognition.snapshots import is_due


def update(groups: Groups, builder: IndexBuilder, *, generation: str, min_faces: int) -> bool:
    """Build a new snapshot of a group if it is large and has changed enough.

    Only the current state of the group matters, so calls may come twice, late, or in any order.

    Args:
        groups: has the group.
        builder: builds the snapshot.
        generation: of the group.
        min_faces: smaller groups get no snapshot.

    Returns:
        Whether a new snapshot is in use.

    Raises:
        StoreUnavailableError: a store did not answer; the previous snapshot stays in use.
    """
    try:
        group = groups.get_generation(generation)
    except GroupNotFoundError:  # deleted in the meantime; the clean-up removes its blobs
        return False
    if group.face_count < min_faces:
        return False
    manifest = builder.in_force(group)
    if manifest:
        changes = (
            group.last_change - manifest.last_change
        )  # negative if the group was restored from a backup
        if changes >= 0 and not is_due(manifest.faces, changes):
            return False
    return builder.build(group)
