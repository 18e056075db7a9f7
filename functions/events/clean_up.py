"""Every hour: remove what nobody needs any more, and report how much that was."""

from shared.app import App
from shared.core import cleanup
from shared.core.deadline import Deadline
from shared.events.schedule import on_schedule


@on_schedule
def handler(app: App, deadline: Deadline) -> dict[str, int]:
    """Remove what deleted groups, ended calls, older snapshots and old files left behind."""
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
