"""A request, read from the gateway's proxy event (API Gateway HTTP API, payload format 2.0)."""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from shared.core.deadline import Deadline
from shared.core.errors import BodyTooLargeError, InvalidParameterError
from shared.core.metering.models import ApiKey
from shared.core.metering.quota import Allowance

HttpEvent = Mapping[str, Any]

_DATA_URL = re.compile(r"\s*data:[^,]{0,100},")
_LOOKED_AT = 128  # characters at the start of a text that may hold a `data:` prefix


class Request:
    """One call, with its parts in plain types.

    Attributes:
        id: names the call in the log.
        route: the template's route that was matched, as `POST /FaceDeID`; it may be logged, a path
            may not: it can hold a key.
        method: in capitals.
        path: as the caller sent it.
        headers: by lower-case name.
        query: query parameters; of one given several times, all values joined by commas.
        path_parameters: the variable parts of the path.
        source_ip: the peer of the gateway.
        body: the raw body.
        deadline: when the analysis must have ended.
        allowance: what is left of the caller's calls of the day, once that is known.

    """

    def __init__(self, event: HttpEvent, *, timeout_s: float) -> None:
        context = event["requestContext"]
        self.id = str(context.get("requestId") or uuid.uuid4())
        self.route = str(event.get("routeKey", ""))
        self.method = str(context["http"]["method"]).upper()
        self.path = str(event["rawPath"])
        self.headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
        self.query: Mapping[str, str] = event.get("queryStringParameters") or {}
        self.path_parameters: Mapping[str, str] = event.get("pathParameters") or {}
        self.source_ip = str(context["http"].get("sourceIp", ""))
        self.body = _body(event)
        self.deadline = Deadline.after(timeout_s)
        self.allowance: Allowance | None = None
        self._caller: ApiKey | None = None

    @property
    def caller(self) -> ApiKey:
        """The key that the call was let in with; there is none before it was."""
        if self._caller is None:
            raise LookupError("the call has not been authorised")
        return self._caller

    @caller.setter
    def caller(self, key: ApiKey) -> None:
        self._caller = key

    def check_size(self, max_body_bytes: int) -> None:
        """Refuse a body over the limit, also one that was only announced and never passed on.

        Raises:
            BodyTooLargeError: it is larger.

        """
        announced = self.headers.get("content-length", "")
        if len(self.body) > max_body_bytes or (
            announced.isdecimal() and int(announced[:20]) > max_body_bytes
        ):
            raise BodyTooLargeError

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            InvalidParameterError: it is none.

        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise InvalidParameterError("body", "is not JSON") from None
        if not isinstance(value, dict):
            raise InvalidParameterError("body", "is not a JSON object")
        return value


def decode_base64(text: str, parameter: str) -> bytes:
    """Return the bytes of a base64 text; a `data:` prefix, white space, no padding are tolerated.

    Raises:
        InvalidParameterError: it is not base64.

    """
    prefix = _DATA_URL.match(text[:_LOOKED_AT])
    encoded = text[prefix.end() :] if prefix else text
    try:
        return _strict_base64(encoded)
    except ValueError:
        compact = "".join(encoded.split())
    try:
        return _strict_base64(compact + "=" * (-len(compact) % 4))
    except ValueError:
        raise InvalidParameterError(parameter, "is not base64") from None


def _strict_base64(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _body(event: HttpEvent) -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
