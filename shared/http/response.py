"""A response, and its form for the gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.core.errors import AnswerTooLargeError

Payload = dict[str, Any]


@dataclass(frozen=True)
class Response:
    """A JSON object with a status and headers.

    `outcome` is for the log and the metrics: `ok`, or the name of the error.
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
        """Refuse an answer that this platform cannot send; 0 means no limit.

        Raises:
            AnswerTooLargeError: the body is larger than `max_answer_bytes`.
        """
        if 0 < max_answer_bytes < len(self.body):  # the JSON is ASCII, so a character is a byte
            raise AnswerTooLargeError

    def to_event(self, more_headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the response for the gateway, payload format 2.0."""
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
