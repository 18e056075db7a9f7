"""The only place that turns a gateway event into a call, and a result or error into a response."""

import functools
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from shared import log
from shared.app import App, current_app
from shared.config import SettingError
from shared.core import metrics
from shared.core.errors import FaceError
from shared.handler import Event, Handler
from shared.http import metering
from shared.http.dialect import Dialect
from shared.http.request import Request
from shared.http.response import Payload, Response

_logger = logging.getLogger(__name__)

Call = Callable[[Request, App], Payload]


def endpoint(dialect: Dialect, *, is_counted: bool = True) -> Callable[[Call], Handler]:
    """Turn a call into a handler that speaks a vendor's dialect.

    A successful call counts against the limits of its key. Pass `is_counted=False` for routes that
    are not operations of an API.
    """

    def decorate(call: Call) -> Handler:
        @functools.wraps(call)
        def handler(event: Event, context: object, app: App | None = None) -> dict[str, Any]:
            started = time.perf_counter()
            app = app or current_app()
            request = Request(event, timeout_s=app.settings.analysis_timeout_s)
            with log.invocation(context), log.request_id(request.id), app.metrics.invocation():
                response = _respond(dialect, call, request, app, is_counted=is_counted)
                reply = response.to_event(metering.headers(request.allowance))
                _account(app, request.route, response, time.perf_counter() - started)
            return reply

        return handler

    return decorate


def _account(app: App, route: str, response: Response, duration_s: float) -> None:
    """Log and count the outcome of a call."""
    app.metrics.count(metrics.CALLS, route=route, outcome=response.outcome)
    app.metrics.observe(metrics.CALL_DURATION, duration_s, route=route)
    _logger.info(
        "call",
        extra={
            "route": route,
            "status": response.status,
            "outcome": response.outcome,
            "ms": round(duration_s * 1000, 1),
        },
    )


def _respond(
    dialect: Dialect, call: Call, request: Request, app: App, *, is_counted: bool
) -> Response:
    try:
        request.check_size(app.settings.max_body_bytes)
        request.caller = dialect.authorise(request, app)
        meter = metering.metered(request, app, dialect.is_finding) if is_counted else nullcontext()
        with meter:
            response = dialect.answer(request, call(request, app))
            response.check_size(app.settings.max_answer_bytes)
        return response
    except SettingError:  # the deployment is at fault, not this call: let the invocation fail
        raise
    except FaceError as error:
        return dialect.refuse(request, error, app)
    except Exception:  # the caller gets the dialect's wording, the log gets the cause
        _logger.exception("unexpected error")
        return dialect.refuse(request, FaceError(), app)
