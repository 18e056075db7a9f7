"""Keeping the snapshots of large groups fresh."""

from shared.core.errors import GroupNotFoundError
from shared.core.recognition.ports import Groups, IndexBuilder
from shared.core.recognition.snapshots import is_due


def update(groups: Groups, builder: IndexBuilder, *, generation: str, min_faces: int) -> bool:
    """Make a new snapshot of a group if it is large and has changed much; return whether one was.

    It looks at the group as it is now, so it may be called twice, late, or in any order.

    Raises:
        StoreUnavailableError: a store did not answer; the snapshot before stays in force.
    """
    try:
        group = groups.get_generation(generation)
    except GroupNotFoundError:  # deleted meanwhile: the clean-up removes what is left
        return False
    if group.face_count < min_faces:
        return False
    manifest = builder.in_force(group)
    if manifest:
        changes = group.last_change - manifest.last_change  # fewer than none: it was restored
        if changes >= 0 and not is_due(manifest.faces, changes):
            return False
    return builder.build(group)
