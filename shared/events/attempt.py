"""The only place that makes the calls an event asks for, and logs and counts their outcomes."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shared import log
from shared.app import App
from shared.config import SettingError
from shared.core import metrics
from shared.handler import Event

_logger = logging.getLogger(__name__)


@contextmanager
def invocation(context: object, app: App) -> Iterator[None]:
    """Handle an event in the block: log lines carry its id, and its metrics are flushed on exit."""
    with log.invocation(context), app.metrics.invocation():
        yield


def records(trigger: str, event: Event, app: App) -> Sequence[Event]:
    """Return the records of an event, and count them."""
    found: list[Event] = event["Records"]
    app.metrics.observe(metrics.EVENT_RECORDS, len(found), trigger=trigger)
    return found


def succeeds(trigger: str, request_id: str, app: App, call: Callable[[], object]) -> bool:
    """Make a call whose log lines carry the id; return whether it ended without an error.

    Raises:
        SettingError: the deployment lacks a setting.
    """
    started = time.perf_counter()
    with log.request_id(request_id):
        outcome = "ok"
        try:
            call()
        except SettingError:  # no record failed: the invocation reports the deployment
            raise
        except Exception as error:  # the event is delivered again, the log has the cause
            outcome = type(error).__name__
            _logger.exception("unexpected error")
        duration_s = time.perf_counter() - started
        app.metrics.count(metrics.EVENTS, trigger=trigger, outcome=outcome)
        app.metrics.observe(metrics.EVENT_DURATION, duration_s, trigger=trigger)
        ms = round(duration_s * 1000, 1)
        _logger.info("event", extra={"trigger": trigger, "outcome": outcome, "ms": ms})
    return outcome == "ok"


def failures(identifiers: list[str]) -> dict[str, Any]:
    """Return the answer that makes Lambda deliver these records of a batch again."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}
