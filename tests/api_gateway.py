"""An API Gateway HTTP API, as functions see it: which is called for a request, and with what event.

The events have the fields of the golden one, and like it no field that is empty. Source: "Working
with AWS Lambda proxy integrations for HTTP APIs" and "Routing API requests" of its guide.
"""

import base64
import copy
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local_runner import template
from local_runner.template import ANY_METHOD, DEFAULT_PATH, Function, Route
from shared.config import ROOT

GOLDEN = json.loads((ROOT / "tests/golden/events/http_api.json").read_text(encoding="utf-8"))
_TEXTS = ("text/", "application/json", "application/xml", "application/javascript")

Invoke = Callable[[str, Any], Any]
"""Calls a function, by its name in the template, with an event."""


@dataclass(frozen=True)
class Reply:
    """What the gateway sends back."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ApiGateway:
    """Sends requests to the functions of the template."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke
        self._routes = [
            (route, function) for function in template.read() for route in function.routes
        ]
        self.request_ids: list[str] = []

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """Return the reply to a request."""
        path = urlsplit(url).path
        route, function, parameters = self._match(method, path)
        event = _event(route, parameters, method, url, headers or {}, body)
        self.request_ids.append(event["requestContext"]["requestId"])
        reply = self._invoke(function.name, event)
        assert set(reply) == {"statusCode", "headers", "body", "isBase64Encoded"}
        assert all(isinstance(value, str) for value in reply["headers"].values())
        assert reply["isBase64Encoded"] is False
        return Reply(reply["statusCode"], reply["headers"], reply["body"])

    def _match(self, method: str, path: str) -> tuple[Route, Function, dict[str, str]]:
        """Return the most specific route, as the gateway chooses it: from left to right."""
        found: list[Any] = []
        for route, function in self._routes:
            match = _pattern(route.path).fullmatch(path)
            if match and route.method in (method, ANY_METHOD):
                rank = _rank(route)
                found.append((rank, len(found), route, function, match.groupdict()))
        *_, route, function, parameters = min(found)
        return route, function, parameters


def _rank(route: Route) -> tuple[list[int], bool]:
    """Return how unspecific a route is: by the parts of its path, then by its method."""
    if route.path == DEFAULT_PATH:
        return [3], True
    kinds = [("{" in part) + ("+}" in part) for part in route.path.split("/")[1:]]
    return kinds, route.method == ANY_METHOD


def _pattern(path: str) -> re.Pattern[str]:
    if path == DEFAULT_PATH:
        return re.compile(".*")
    greedy = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", path.replace(".", r"\."))
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", greedy))


def _event(
    route: Route,
    parameters: dict[str, str],
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, Any]:
    parts = urlsplit(url)
    lower = {name.lower(): value for name, value in headers.items()}
    is_text = lower.get("content-type", "").startswith(_TEXTS)
    event: dict[str, Any] = copy.deepcopy(GOLDEN)
    optional = {
        "queryStringParameters": dict(parse_qsl(parts.query)),
        "pathParameters": parameters,
        "body": body.decode() if is_text else base64.b64encode(body).decode(),
    }
    for name in ("cookies", *optional):
        del event[name]
    event |= {name: value for name, value in optional.items() if value}
    event |= {
        "routeKey": route.key,
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": lower,
        "isBase64Encoded": bool(body) and not is_text,
    }
    event["requestContext"] |= {"routeKey": route.key, "requestId": str(uuid.uuid4())}
    event["requestContext"]["http"] |= {"method": method, "path": parts.path}
    return event
