"""What stands for a trigger of the template: the one place that asks which backend it is."""

from collections.abc import Sequence
from pathlib import Path

from local_runner.functions import Call
from local_runner.settings import RunnerSettings
from local_runner.template import Function, QueueTrigger, ScheduleTrigger, StreamTrigger
from local_runner.template import Trigger as Wanted
from local_runner.triggers import Trigger
from local_runner.triggers.timer import Timer
from shared.app import App
from shared.storage.local.backend import LocalBackend

UPLOADS = "UploadQueue"
FACES = "FacesTable"
_PAUSE_S = 1.0


def build(
    wanted: Wanted, app: App, runner: RunnerSettings, *, rule: str, call: Call
) -> Trigger | None:
    """Return what fires a trigger here; None for uploads where no queue is set.

    Raises:
        ValueError: nothing here stands for the queue or table.

    """
    match wanted:
        case QueueTrigger(queue=name) if name == UPLOADS:
            return _uploads(wanted, app, runner, call)
        case StreamTrigger(table=name) if name == FACES:
            return _changes(wanted, app, call)
        case ScheduleTrigger():
            return Timer(rule, call, every_s=wanted.every_s)
    raise ValueError(f"nothing here stands for {wanted}")


def folders(app: App, template: Sequence[Function]) -> tuple[Path, Path] | None:
    """Return where files may be dropped and where they come out, if a function takes them."""
    takes_uploads = any(
        isinstance(wanted, QueueTrigger) for function in template for wanted in function.triggers
    )
    if not isinstance(app.backend, LocalBackend) or not takes_uploads:
        return None
    _ = app.inbox, app.outbox  # makes them
    settings = app.settings
    return settings.data_dir / settings.inbox_bucket, settings.data_dir / settings.outbox_bucket


def pause_s(wanted: Wanted) -> float:
    """Return how long to wait where a trigger had little to do, so that more may gather."""
    window_s = wanted.window_s if isinstance(wanted, StreamTrigger) else 0
    return max(_PAUSE_S, window_s)


def _uploads(wanted: QueueTrigger, app: App, runner: RunnerSettings, call: Call) -> Trigger | None:
    if not isinstance(app.backend, LocalBackend):
        from local_runner.triggers.queue import Queue
        from shared.storage.aws.queues import SqsQueue

        if not runner.upload_queue_url:
            return None
        return Queue(SqsQueue(runner.upload_queue_url), call, batch_size=wanted.batch_size)
    from local_runner.triggers.inbox import Inbox

    return Inbox(app.inbox, app.settings.inbox_bucket, call, batch_size=wanted.batch_size)


def _changes(wanted: StreamTrigger, app: App, call: Call) -> Trigger:
    if not isinstance(app.backend, LocalBackend):
        from local_runner.triggers.stream import Stream
        from shared.storage.aws.streams import TableStream

        return Stream(TableStream(app.settings.faces_table), call, batch_size=wanted.batch_size)
    from local_runner.triggers.change_log import ChangeLog
    from shared.storage.local.change_log import SqliteChangeLog

    return ChangeLog(
        SqliteChangeLog(app.backend.database), wanted.table, call, batch_size=wanted.batch_size
    )
