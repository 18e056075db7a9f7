"""Log lines: one JSON object each, on standard error, with the ids of request and invocation.

Nothing private gets into a line: fields that are not short plain values are replaced by the name of
their type, and fields named like a secret are left out. Routes are logged instead of paths, because
a path may contain an API key.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
_INVOCATION: ContextVar[str | None] = ContextVar("invocation", default=None)
_MAX_VALUE_LENGTH = 200  # characters
_SECRET_WORDS = ("key", "secret", "authorization", "token", "password")
_TALKATIVE = ("botocore", "boto3", "urllib3", "pynamodb")
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: str) -> None:
    """Write all log records of at least `level` to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:  # at DEBUG they log whole bodies, including data keys
        logging.getLogger(name).setLevel(logging.INFO)


@contextmanager
def request_id(value: str) -> Iterator[None]:
    """Add the id of a request to every line that is logged in the block."""
    reset = _REQUEST_ID.set(value)
    try:
        yield
    finally:
        _REQUEST_ID.reset(reset)


@contextmanager
def invocation(context: object) -> Iterator[None]:
    """Add Lambda's id of the invocation, if its context has one, to every line of the block."""
    identity = getattr(context, "aws_request_id", None)
    reset = _INVOCATION.set(None if identity is None else str(identity))
    try:
        yield
    finally:
        _INVOCATION.reset(reset)


def identity() -> dict[str, str]:
    """Return the ids on log lines at this point.

    A new thread does not have the ids of the thread that started it, unless it runs in a copy of
    its context (`contextvars.copy_context`).
    """
    ids = {"requestId": _REQUEST_ID.get(), "invocation": _INVOCATION.get()}
    return {name: value[:_MAX_VALUE_LENGTH] for name, value in ids.items() if value is not None}


class JsonFormatter(logging.Formatter):
    """Formats a record and its `extra` fields as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without a line break."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage()[:_MAX_VALUE_LENGTH],
            **identity(),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and not any(w in name.lower() for w in _SECRET_WORDS):
                line[name] = _plain(value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, str) and len(value) <= _MAX_VALUE_LENGTH:
        return value
    return f"<{type(value).__name__}>"


def _describe(error: BaseException) -> dict[str, object]:
    """Return where an error happened, without its message, which may quote the caller's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "type": type(error).__name__,
        "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
