"""Changes of faces, reported by the stream of the faces table.

Source: "Using Lambda with DynamoDB" in the Lambda guide.
"""

import functools
from collections.abc import Callable
from typing import Any

from shared.app import App, current_app
from shared.events import attempt
from shared.handler import Event, Handler

_TRIGGER = "change"


def on_changes(call: Callable[[str, App], object]) -> Handler:
    """Turn a call into a handler; it gets each generation with changed rows once per batch.

    If a call fails, the stream delivers again from the first record of that generation.
    """

    @functools.wraps(call)
    def handler(event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        app = app or current_app()
        with attempt.invocation(context, app):
            first: dict[str, Event] = {}
            for record in attempt.records(_TRIGGER, event, app):
                generation = record["dynamodb"]["Keys"]["generation"]["S"]
                first.setdefault(generation, record)
            failed = [
                record["dynamodb"]["SequenceNumber"]
                for generation, record in first.items()
                if not attempt.succeeds(
                    _TRIGGER, record["eventID"], app, functools.partial(call, generation, app)
                )
            ]
        return attempt.failures(failed)

    return handler
