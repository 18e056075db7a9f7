"""Builds requests, settings and an App that knows one key."""

import base64
import json
from pathlib import Path
from typing import Any

from harness.in_memory import InMemoryDistinctTracker, InMemoryKeys, InMemoryUsage
from shared.app import App
from shared.config import Settings
from shared.core.metering import access
from shared.core.metering.models import Limits

SECRET = "secret of the tests"
KEY = "a-key-of-the-tests"


def settings(data_dir: Path, **environ: str) -> Settings:
    """Return the settings of a local deployment in a folder."""
    base = {
        "DATA_DIR": str(data_dir),
        "KEY_SECRET": SECRET,
        "EXECUTION_PROVIDER": "cpu",
        "VISION_THREADS": "1",  # tests run in parallel
    }
    models_dir = Settings.from_environment().models_dir
    return Settings.from_environment({**base, "MODELS_DIR": str(models_dir), **environ})


def app(data_dir: Path, *, limits: Limits | None = None, **environ: str) -> App:
    """Return an App that knows one key, `KEY`; keys and usage are kept in memory."""
    return app_with(settings(data_dir, **environ), **access_ports(limits or Limits()))


def app_with(settings: Settings, **ports: object) -> App:
    """Return an App with ports in place of those that it would build.

    Raises:
        AttributeError: it has no such port.
    """
    app = App(settings)
    for name, port in ports.items():
        getattr(type(app), name)
        setattr(app, name, port)
    return app


def access_ports(limits: Limits) -> dict[str, object]:
    """Return the ports of an App that knows one key, `KEY`, with these limits."""
    keys = InMemoryKeys()
    keys.put(access.new_key(KEY, name="test", tenant="t", secret=SECRET, limits=limits))
    return {"keys": keys, "usage": InMemoryUsage(), "distinct_tracker": InMemoryDistinctTracker()}


def event(
    method: str = "POST",
    path: str = "/FaceDeID",
    *,
    body: object = "",
    headers: dict[str, str] | None = None,
    route: str | None = None,
    source_ip: str = "203.0.113.9",
) -> dict[str, Any]:
    """Return a proxy event; a body that is not a string is sent as JSON."""
    return {
        "version": "2.0",
        "routeKey": route or f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers if headers is not None else {"authorization": KEY},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": source_ip},
            "requestId": "request-of-the-tests",
        },
        "body": body if isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def deid_body(image: bytes, **more: object) -> dict[str, Any]:
    """Return the body of a FaceDeID request; `more` is added to its argument."""
    argument = {"type": "1", "file": base64.b64encode(image).decode()}
    return {"argument": {**argument, **more}}


def answer(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the parsed JSON of a handler's reply."""
    parsed: dict[str, Any] = json.loads(reply["body"])
    return parsed
