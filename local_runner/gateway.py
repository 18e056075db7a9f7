"""A local API gateway: Flask requests become proxy events, and replies Flask responses.

It stands for an API Gateway HTTP API (payload format 2.0): the same routes, taken from the
template, the same events, and the same header that tells a caller the id of his request. It differs
in that bodies up to the deployment's own limit pass.
"""

import base64
import logging
import re
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import flask
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from local_runner import functions, health, metrics
from local_runner.template import ANY_METHOD, DEFAULT_PATH, Function, Route
from shared import log
from shared.app import App

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_DRAIN_LIMIT = 8  # times the body limit: read and thrown away, so that the caller hears the refusal
_CHUNK = 65536  # bytes
_BROKEN_OFF = (ClientDisconnected, OSError, ParseException)  # gone, or chunks that are none
_REQUEST_ID = "Apigw-Requestid"

_logger = logging.getLogger(__name__)


class Gateway(flask.Flask):
    """A WSGI application that logs no paths: a key may stand in one."""

    def log_exception(self, exc_info: Any) -> None:
        """Log what no handler caught."""
        with log.request_id(flask.g.get("request_id", "")):
            _logger.error("unexpected error", exc_info=exc_info)


def create(app: App, template: Sequence[Function]) -> flask.Flask:
    """Return the WSGI application that serves the template's routes with an App."""
    gateway = Gateway("face-functions", static_folder=None)
    gateway.url_map.merge_slashes = False
    gateway.add_url_rule("/health", "health", lambda: health.report(app))
    gateway.add_url_rule("/metrics", "metrics", lambda: metrics.report(app))
    for function in template:
        for route in function.routes:
            for rule in _rules(route.path):
                gateway.add_url_rule(
                    rule,
                    endpoint=f"{function.name} {route.key} {rule}",
                    view_func=_view(app, function, route),
                    methods=_METHODS if route.method == ANY_METHOD else [route.method],
                    provide_automatic_options=False,
                )
    return gateway


def _rules(path: str) -> list[str]:
    """Return the Flask rules for a path of the template."""
    if path == DEFAULT_PATH:
        return ["/", "/<path:proxy>"]
    greedy = re.sub(r"\{(\w+)\+\}", r"<path:\1>", path)
    return [re.sub(r"\{(\w+)\}", r"<\1>", greedy)]


def _view(app: App, function: Function, route: Route) -> Any:
    load = cache(functions.load)

    def view(**path_parameters: str) -> flask.Response:
        request_id = flask.g.request_id = functions.new_request_id()
        body = _read_body(app.settings.max_body_bytes)
        event = _event(route, path_parameters, body, request_id)
        context = functions.Context(function.name, aws_request_id=request_id)
        response = _response(load(function.command)(event, context, app))
        response.headers[_REQUEST_ID] = request_id
        return response

    return view


def _read_body(limit: int) -> bytes:
    """Return the body, or of one over the limit only enough for the handler to see that it is."""
    stream = flask.request.stream
    chunks: list[bytes] = []
    total = 0
    while total <= limit * _DRAIN_LIMIT:
        try:
            chunk = stream.read(_CHUNK)
        except _BROKEN_OFF:
            break
        if not chunk:
            break
        if total <= limit:
            chunks.append(chunk)
        total += len(chunk)
    return b"".join(chunks)


def _event(
    route: Route, path_parameters: dict[str, str], body: bytes, request_id: str
) -> dict[str, Any]:
    request = flask.request
    is_text, text = _text(body)
    return {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode("latin-1"),
        "headers": {name.lower(): value for name, value in request.headers},
        "queryStringParameters": {name: ",".join(values) for name, values in request.args.lists()},
        "pathParameters": path_parameters,
        "requestContext": {
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.environ.get("SERVER_PROTOCOL", ""),
                "sourceIp": request.remote_addr or "",
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": request_id,
            "routeKey": route.key,
            "stage": "$default",
            "timeEpoch": int(time.time() * 1000),
        },
        "body": text,
        "isBase64Encoded": not is_text,
    }


def _text(body: bytes) -> tuple[bool, str]:
    """Return whether a body is text, and the body as a proxy event holds it."""
    try:
        return True, body.decode("utf-8")
    except UnicodeDecodeError:
        return False, base64.b64encode(body).decode("ascii")


def _response(reply: dict[str, Any]) -> flask.Response:
    body = reply["body"]
    content = base64.b64decode(body) if reply["isBase64Encoded"] else body.encode("utf-8")
    return flask.Response(content, status=reply["statusCode"], headers=reply["headers"])
