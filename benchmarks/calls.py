"""Calls of handlers, as they are measured."""

import base64
from collections.abc import Callable

from harness import builders
from shared.app import App
from shared.handler import Event, Handler


def nhn_event(body: object, group: str = "", query: dict[str, str] | None = None) -> Event:
    """Return an event of NHN's API."""
    return {
        **builders.event(path="/nhn-face-reco", body=body),
        "pathParameters": {"appKey": builders.KEY, "groupId": group},
        "queryStringParameters": query or {},
    }


def nhn_image(data: bytes) -> dict[str, str]:
    """Return a photo as NHN's API takes it."""
    return {"bytes": base64.b64encode(data).decode()}


def checked(handler: Handler, event: Event, app: App) -> Callable[[], object]:
    """Return the call of a handler with an event, which is made once and checked.

    Raises:
        ValueError: the handler did not answer with success.
    """
    answer = builders.answer(handler(event, None, app))
    result = answer.get("result")
    is_successful = answer.get("header", {}).get("isSuccessful") or result in (0, "Success")
    if not is_successful and result != {"person_1": "match"}:
        raise ValueError(f"the call to measure fails: {answer}")
    return lambda: handler(event, None, app)
