"""Builds the pollers of triggers, which differ between the backends."""

from collections.abc import Sequence
from pathlib import Path

from local_runner.functions import Invoke
from local_runner.settings import RunnerSettings
from local_runner.template import Function, QueueTrigger, ScheduleTrigger, StreamTrigger, Trigger
from local_runner.triggers import Poller
from local_runner.triggers.inbox import InboxPoller
from local_runner.triggers.sqlite_changes import ChangeLog, ChangePoller
from local_runner.triggers.timer import Timer
from shared.app import App
from shared.storage.local.backend import LocalBackend

UPLOADS = "UploadQueue"
FACES = "FacesTable"
_PAUSE_S = 1.0


def build(
    trigger: Trigger, app: App, runner: RunnerSettings, *, rule: str, invoke: Invoke
) -> Poller | None:
    """Return the poller of a trigger; None for uploads if `UPLOAD_QUEUE_URL` is not set.

    Raises:
        ValueError: the runner does not know the queue or table.

    """
    match trigger:
        case QueueTrigger(queue=name) if name == UPLOADS:
            return _uploads(trigger, app, runner, invoke)
        case StreamTrigger(table=name) if name == FACES:
            return _changes(trigger, app, invoke)
        case ScheduleTrigger():
            return Timer(rule, invoke, every_s=trigger.every_s)
    raise ValueError(f"the local runner cannot fire {trigger}")


def folders(app: App, template: Sequence[Function]) -> tuple[Path, Path] | None:
    """Return the inbox and outbox folders, created if missing; None if no function uses them."""
    takes_uploads = any(
        isinstance(trigger, QueueTrigger) for function in template for trigger in function.triggers
    )
    if not isinstance(app.backend, LocalBackend) or not takes_uploads:
        return None
    _ = app.inbox, app.outbox  # creates the folders
    settings = app.settings
    return settings.data_dir / settings.inbox_bucket, settings.data_dir / settings.outbox_bucket


def pause_s(trigger: Trigger) -> float:
    """Return how many seconds to let events gather after a poll that found few."""
    window_s = trigger.window_s if isinstance(trigger, StreamTrigger) else 0
    return max(_PAUSE_S, window_s)


def _uploads(
    trigger: QueueTrigger, app: App, runner: RunnerSettings, invoke: Invoke
) -> Poller | None:
    if isinstance(app.backend, LocalBackend):
        return InboxPoller(
            app.inbox, app.settings.inbox_bucket, invoke, batch_size=trigger.batch_size
        )
    if not runner.upload_queue_url:
        return None
    from local_runner.triggers.sqs import SqsPoller

    return SqsPoller(runner.upload_queue_url, invoke, batch_size=trigger.batch_size)


def _changes(trigger: StreamTrigger, app: App, invoke: Invoke) -> Poller:
    if isinstance(app.backend, LocalBackend):
        log = ChangeLog(app.backend.database)
        return ChangePoller(log, trigger.table, invoke, batch_size=trigger.batch_size)
    from local_runner.triggers.dynamodb_stream import StreamPoller, TableStream

    stream = TableStream(app.settings.required("faces_table"))
    return StreamPoller(stream, invoke, batch_size=trigger.batch_size)
