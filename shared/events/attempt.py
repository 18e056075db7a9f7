"""The one place where what an event asks for is tried, and what came of it logged and counted."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from shared import log
from shared.app import App
from shared.core import metrics

Event = dict[str, Any]

_logger = logging.getLogger(__name__)


class EventHandler(Protocol):
    """A deployed function, in the manner of AWS Lambda."""

    def __call__(self, event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        """Serve one event; tests pass an `app` of their own."""


@contextmanager
def invocation(context: object, app: App) -> Iterator[None]:
    """Serve an event in the block: log lines carry its id, and its counts are given out."""
    with log.invocation(context), app.metrics.invocation():
        yield


def records(trigger: str, event: Event, app: App) -> Sequence[Event]:
    """Return the records of an event, counted."""
    found: list[Event] = event["Records"]
    app.metrics.observe(metrics.EVENT_RECORDS, len(found), trigger=trigger)
    return found


def succeeds(trigger: str, request_id: str, app: App, call: Callable[[], object]) -> bool:
    """Make a call, whose log lines carry the id; tell whether it ended without an error."""
    started = time.perf_counter()
    with log.request_id(request_id):
        outcome = "ok"
        try:
            call()
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
    """Return which records of a batch are to be delivered again, as Lambda is told of it."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}
