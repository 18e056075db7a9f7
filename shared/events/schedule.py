"""What is done now and then, told by an EventBridge schedule."""

import functools
from collections.abc import Callable
from typing import Any

from shared.app import App, current_app
from shared.core import metrics
from shared.core.deadline import Deadline
from shared.events import attempt
from shared.events.attempt import Event, EventHandler

Report = dict[str, int]

_MARGIN_S = 5.0  # what may be under way when the deadline is noticed
_MAX_S = 300.0  # where nothing else limits an invocation


def on_schedule(call: Callable[[App, Deadline], Report]) -> EventHandler:
    """Make a handler of a call that does as much as it can before a deadline, and reports it.

    Raises:
        RuntimeError: the call failed; the log has the cause. The schedule tells its alarm.
    """

    @functools.wraps(call)
    def handler(event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        app = app or current_app()
        deadline = Deadline.after(_time_left_s(context) - _MARGIN_S)
        report: Report = {}
        with attempt.invocation(context, app):
            is_done = attempt.succeeds(
                "schedule", str(event.get("id", "")), app,
                lambda: report.update(call(app, deadline)),
            )  # fmt: skip
            for kind, count in report.items():
                app.metrics.count(metrics.SCHEDULED_WORK, count, kind=kind)
        if not is_done:
            raise RuntimeError("the scheduled work failed")
        return dict(report)

    return handler


def _time_left_s(context: object) -> float:
    tell = getattr(context, "get_remaining_time_in_millis", None)
    return float(tell()) / 1000 if tell else _MAX_S
