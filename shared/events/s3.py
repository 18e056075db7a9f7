"""Files that were put into the inbox bucket, reported by S3 through an SQS queue.

Source: "Event message structure" in the S3 guide, "Using Lambda with Amazon SQS" in Lambda's.
"""

import functools
import json
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import unquote_plus

from shared.app import App, current_app
from shared.events import attempt
from shared.handler import Event, Handler

MAX_DELIVERIES = 5
"""How often a failing message is delivered; the queue in the template has the same number."""

_CREATED = "ObjectCreated:"
_TRIGGER = "upload"


class Call(Protocol):
    """Handles an uploaded file."""

    def __call__(self, key: str, app: App, /, *, is_last: bool) -> object:
        """Handle the file under a key; `is_last` says whether a failure would be final."""


def on_uploads(call: Call) -> Handler:
    """Turn a call that takes the key of an uploaded file into a handler.

    Only the messages whose calls fail are reported, so that the queue delivers just these again. A
    key may come twice, late, or after its file is gone.
    """

    @functools.wraps(call)
    def handler(event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        app = app or current_app()

        def read(message: Event) -> None:
            deliveries = int(message["attributes"]["ApproximateReceiveCount"])
            for key in _keys(message["body"], app.settings.required("inbox_bucket")):
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
    """Yield the keys of a notification; S3's test event has none.

    Raises:
        ValueError: it is not a notification, or is about another bucket.
    """
    notification = json.loads(body)
    if notification.get("Event") == "s3:TestEvent":
        return
    for record in notification["Records"]:
        if record["s3"]["bucket"]["name"] != bucket:
            raise ValueError("the notification is about another bucket")
        if record["eventName"].startswith(_CREATED):
            # file names may not be valid UTF-8; keys in S3 always are
            yield unquote_plus(record["s3"]["object"]["key"], errors="surrogateescape")
