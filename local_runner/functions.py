"""Finds and calls the handlers that the template names."""

import importlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared import log
from shared.app import App

Event = Mapping[str, Any]
Call = Callable[[Event], Mapping[str, Any]]

_MAX_S = 900.0  # as long as Lambda lets any function run

_logger = logging.getLogger(__name__)


class FunctionError(Exception):
    """A function failed as a whole; the log has the cause."""


class Handler(Protocol):
    """A deployed function."""

    def __call__(self, event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        """Serve one event."""


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler about its invocation, as far as it exists here."""

    function_name: str
    aws_request_id: str
    expires_at: float = field(default_factory=lambda: time.monotonic() + _MAX_S)

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return int((self.expires_at - time.monotonic()) * 1000)


def load(command: str) -> Handler:
    """Return the handler of a command, as `functions.etri.face_deid.handler`."""
    module, _, attribute = command.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    return handler


def caller(name: str, command: str, app: App) -> Call:
    """Return what invokes a function with an event, each time under a new request id.

    It raises FunctionError where the function cannot be loaded, or raises anything.
    """

    def call(event: Event) -> Mapping[str, Any]:
        context = Context(name, new_request_id())
        with log.request_id(context.aws_request_id):
            try:
                return load(command)(event, context, app)
            except Exception as error:
                _logger.exception("the function failed", extra={"function": name})
                raise FunctionError(name) from error

    return call


def new_request_id() -> str:
    """Return a name for an invocation."""
    return str(uuid.uuid4())
