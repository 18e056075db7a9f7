"""Small handlers that a template can name."""

import json
import logging
from typing import Any

from shared import log
from shared.app import App
from shared.core.deadline import Deadline
from shared.events.s3 import on_uploads
from shared.events.schedule import on_schedule
from shared.events.stream import on_changes


@on_uploads
def count_bytes(key: str, app: App, *, is_last: bool) -> None:
    """Put the size of an upload into the outbox."""
    blob = app.inbox.get(key)
    app.outbox.put(f"{key}.size", str(len(blob.data)).encode())
    app.inbox.delete(key, expected=blob.version)


@on_changes
def note_change(generation: str, app: App) -> None:
    """Record in the outbox that a generation changed."""
    app.outbox.put(f"changed/{generation}", b"")


@on_schedule
def note_time(app: App, _deadline: Deadline) -> dict[str, int]:
    """Record in the outbox that it was invoked."""
    app.outbox.put("ticked", b"")
    return {"ticks": 1}


def tell_context(_event: object, context: Any, _app: App | None = None) -> dict[str, Any]:
    """Return the invocation's id in the context and in log lines."""
    line = log.JsonFormatter().format(logging.makeLogRecord({"msg": "x"}))
    return {
        "function": context.function_name,
        "contextId": context.aws_request_id,
        "logId": json.loads(line)["requestId"],
    }


def fail(_event: object, _context: object, _app: App | None = None) -> dict[str, Any]:
    """Fail as a whole."""
    raise RuntimeError("the function is broken")
