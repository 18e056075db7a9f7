"""Loads and invokes the handlers that the template names."""

import importlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared import log
from shared.app import App
from shared.handler import Event, Handler

Invoke = Callable[[Event], Mapping[str, Any]]

_MAX_S = 900.0  # Lambda's maximum for any function

_logger = logging.getLogger(__name__)


class FunctionError(Exception):
    """A function failed as a whole; the log has the cause."""


@dataclass(frozen=True, slots=True)
class Context:
    """The part of Lambda's context object that exists outside of Lambda."""

    function_name: str
    aws_request_id: str
    expires_at: float = field(default_factory=lambda: time.monotonic() + _MAX_S)

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take, in milliseconds."""
        return int((self.expires_at - time.monotonic()) * 1000)


def load(command: str) -> Handler:
    """Return the handler that a command names, such as `functions.etri.face_deid.handler`."""
    module, _, attribute = command.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    return handler


def invoker(name: str, command: str, app: App) -> Invoke:
    """Return a callable that invokes a function with an event, under a new request id each time.

    It raises FunctionError if the function cannot be loaded, or raises anything.
    """

    def invoke(event: Event) -> Mapping[str, Any]:
        context = Context(name, new_request_id())
        with log.request_id(context.aws_request_id):
            try:
                return load(command)(event, context, app)
            except Exception as error:
                _logger.exception("the function failed", extra={"function": name})
                raise FunctionError(name) from error

    return invoke


def new_request_id() -> str:
    """Return an id for an invocation."""
    return str(uuid.uuid4())
