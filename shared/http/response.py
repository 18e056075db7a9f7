"""A reply, and the gateway's proxy event of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.core.errors import AnswerTooLargeError

Payload = dict[str, Any]


@dataclass(frozen=True)
class Response:
    """What is sent back: a JSON object with a status and headers.

    `outcome` is one word for the log and the counters: `ok`, or the name of the error.
    """

    status: int
    payload: Payload
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "ok"

    @cached_property
    def body(self) -> str:
        """The payload as JSON."""
        return json.dumps(self.payload, separators=(",", ":"))

    def check_size(self, max_answer_bytes: int) -> None:
        """Refuse an answer that would not arrive; 0 for no limit.

        Raises:
            AnswerTooLargeError: it is larger.
        """
        if 0 < max_answer_bytes < len(self.body):  # JSON in ASCII: a character is a byte
            raise AnswerTooLargeError

    def to_event(self, more_headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the reply as a proxy event, payload format 2.0."""
        return {
            "statusCode": self.status,
            "headers": {
                "Content-Type": "application/json; charset=UTF-8",
                **self.headers,
                **more_headers,
            },
            "body": self.body,
            "isBase64Encoded": False,
        }
