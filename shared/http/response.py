"""A reply, and the gateway's proxy event of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back: a JSON object with a status and headers.

    `outcome` is one word for the log and the counters: `ok`, or the name of the error.
    """

    status: int
    payload: Payload
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "ok"

    def to_event(self, more_headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the reply as a proxy event, payload format 2.0."""
        return {
            "statusCode": self.status,
            "headers": {
                "Content-Type": "application/json; charset=UTF-8",
                **self.headers,
                **more_headers,
            },
            "body": json.dumps(self.payload, separators=(",", ":")),
            "isBase64Encoded": False,
        }
