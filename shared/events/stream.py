"""Changes of faces, told by the stream of the faces table.

Source: "Using Lambda with DynamoDB" of the Lambda guide.
"""

import functools
from collections.abc import Callable
from typing import Any

from shared.app import App, current_app
from shared.events import attempt
from shared.events.attempt import Event, EventHandler

_TRIGGER = "change"


def on_changes(call: Callable[[str, App], object]) -> EventHandler:
    """Make a handler of a call that is given each generation whose rows changed, once a batch.

    Where a call fails, the stream goes on from the first record of that generation.
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
