"""A local API gateway: turns Flask requests into events, and replies into Flask responses.

It works like an API Gateway HTTP API (payload format 2.0): it has the routes of the template, the
same events, and the same header with the request id. Unlike there, only `MAX_BODY_BYTES` limits the
size of bodies.
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

from local_runner import functions, health
from local_runner.template import ANY_METHOD, DEFAULT_PATH, Function, Route
from shared import log
from shared.app import App

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_DRAIN_LIMIT = 8  # times the body limit: read and dropped, so that the caller gets the refusal
_CHUNK = 65536  # bytes
_INCOMPLETE = (ClientDisconnected, OSError, ParseException)  # disconnected, or invalid chunks
_REQUEST_ID = "Apigw-Requestid"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

_logger = logging.getLogger(__name__)


class Gateway(flask.Flask):
    """A WSGI application that does not log paths: they may contain a key."""

    def log_exception(self, exc_info: Any) -> None:
        """Log an error that no handler caught."""
        with log.request_id(flask.g.get("request_id", "")):
            _logger.error("unexpected error", exc_info=exc_info)


def create(app: App, template: Sequence[Function]) -> flask.Flask:
    """Return the WSGI application that serves the template's routes."""
    gateway = Gateway("face-functions", static_folder=None)
    gateway.url_map.merge_slashes = False
    gateway.add_url_rule("/health", "health", lambda: health.report(app))
    gateway.add_url_rule("/metrics", "metrics", lambda: _metrics(app))
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


def _metrics(app: App) -> flask.Response:
    """Return the metrics for Prometheus, or 404 if they go elsewhere."""
    text = app.metrics.exposition()
    if text is None:
        return flask.Response("METRICS is not prometheus\n", 404, content_type="text/plain")
    return flask.Response(text, content_type=_PROMETHEUS)


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
    """Return the body; if it exceeds the limit, only enough for the handler to see that."""
    stream = flask.request.stream
    chunks: list[bytes] = []
    total = 0
    while total <= limit * _DRAIN_LIMIT:
        try:
            chunk = stream.read(_CHUNK)
        except _INCOMPLETE:
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
    """Return whether a body is text, and the body as an event contains it."""
    try:
        return True, body.decode("utf-8")
    except UnicodeDecodeError:
        return False, base64.b64encode(body).decode("ascii")


def _response(reply: dict[str, Any]) -> flask.Response:
    body = reply["body"]
    content = base64.b64decode(body) if reply["isBase64Encoded"] else body.encode("utf-8")
    return flask.Response(content, status=reply["statusCode"], headers=reply["headers"])
