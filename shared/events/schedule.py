"""Scheduled jobs, started by EventBridge."""

import functools
from collections.abc import Callable
from typing import Any

from shared.app import App, current_app
from shared.core import metrics
from shared.core.deadline import Deadline
from shared.events import attempt
from shared.handler import Event, Handler

Report = dict[str, int]

_MARGIN_S = 5.0  # to finish a step that is running when the deadline passes
_MAX_S = 300.0  # if nothing else limits an invocation


def on_schedule(call: Callable[[App, Deadline], Report]) -> Handler:
    """Turn a call into a handler; the call works until a deadline and returns a report.

    The handler raises a RuntimeError if the call fails, which sets off the alarm of the schedule.
    The log has the cause.
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
            raise RuntimeError("the scheduled job failed")
        return dict(report)

    return handler


def _time_left_s(context: object) -> float:
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    return float(remaining_ms()) / 1000 if remaining_ms else _MAX_S
