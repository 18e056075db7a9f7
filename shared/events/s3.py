"""Files that were put into the inbox bucket, told by S3 through an SQS queue.

Source: "Event message structure" of the S3 guide, "Using Lambda with Amazon SQS" of Lambda's.
"""

import functools
import json
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import unquote_plus

from shared.app import App, current_app
from shared.events import attempt
from shared.events.attempt import Event, EventHandler

MAX_DELIVERIES = 5
"""How often a message is given that fails; the queue of the template counts too."""

_CREATED = "ObjectCreated:"
_TRIGGER = "upload"


class Call(Protocol):
    """What is done with an uploaded file."""

    def __call__(self, key: str, app: App, /, *, is_last: bool) -> object:
        """Take the key, and whether nobody will be told of it again if this fails."""


def on_uploads(call: Call) -> EventHandler:
    """Make a handler of a call that is given the key of each uploaded file.

    A message whose call fails is reported alone, so that the queue delivers it again and the others
    not. A key may come twice, late, or when its file is gone.
    """

    @functools.wraps(call)
    def handler(event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        app = app or current_app()

        def read(message: Event) -> None:
            deliveries = int(message["attributes"]["ApproximateReceiveCount"])
            for key in _keys(message["body"], app.settings.inbox_bucket):
                call(key, app, is_last=deliveries >= MAX_DELIVERIES)

        with attempt.invocation(context, app):
            failed = [
                message["messageId"]
                for message in attempt.records(_TRIGGER, event, app)
                if not attempt.succeeds(
                    _TRIGGER, message["messageId"], app, functools.partial(read, message)
                )
            ]
        return attempt.failures(failed)

    return handler


def _keys(body: str, bucket: str) -> Iterator[str]:
    """Yield the keys of a notification; the one that S3 sends to try the queue has none.

    Raises:
        ValueError: it is no notification, or is of another bucket.
    """
    notification = json.loads(body)
    if notification.get("Event") == "s3:TestEvent":
        return
    for record in notification["Records"]:
        if record["s3"]["bucket"]["name"] != bucket:
            raise ValueError("the notification is of another bucket")
        if record["eventName"].startswith(_CREATED):
            # as file names may be no UTF-8; keys of S3 always are
            yield unquote_plus(record["s3"]["object"]["key"], errors="surrogateescape")
