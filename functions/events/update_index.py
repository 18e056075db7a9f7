"""Faces have changed: keep the snapshots of large groups up to date."""

from shared.app import App
from shared.core.recognition import indexing
from shared.events.stream import on_changes


@on_changes
def handler(generation: str, app: App) -> bool:
    """Build a new snapshot of the group if one is due."""
    return indexing.update(
        app.groups, app.index_builder, generation=generation, min_faces=app.settings.index_min_faces
    )
