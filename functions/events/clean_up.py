"""Every hour: remove data that is no longer needed, and report how much."""

from shared.app import App
from shared.core import cleanup
from shared.core.deadline import Deadline
from shared.events.schedule import on_schedule


@on_schedule
def handler(app: App, deadline: Deadline) -> dict[str, int]:
    """Remove remains of deleted groups and ended calls, and old snapshots and files."""
    return cleanup.clean_up(
        groups=app.groups,
        faces=app.faces,
        usage=app.usage,
        tracker=app.distinct_tracker,
        snapshots=app.snapshots,
        inbox=app.inbox,
        outbox=app.outbox,
        originals_days=app.settings.originals_days,
        outbox_days=app.settings.outbox_days,
        now=app.clock(),
        deadline=deadline,
    )
