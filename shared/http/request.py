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
from shared.handler import Event

_DATA_URL = re.compile(r"\s*data:[^,]{0,100},")
_MAX_PREFIX_LENGTH = 128  # characters to search for a `data:` prefix


class Request:
    """One call, with its parts as plain types.

    Attributes:
        id: identifies the call in the log.
        route: the matching route of the template, such as `POST /FaceDeID`. Log this and never the
            path, which may contain a key.
        method: in capitals.
        path: as the caller sent it.
        headers: by lower-case name.
        query: query parameters; the values of a repeated one are joined by commas.
        path_parameters: the variable parts of the path.
        source_ip: the address of the gateway's peer.
        body: the raw body.
        deadline: when the analysis must have ended.
        allowance: the caller's remaining calls of the day, once known.
    """

    def __init__(self, event: Event, *, timeout_s: float) -> None:
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
        """The API key of the caller.

        Raises:
            LookupError: the call has not been authorised yet.
        """
        if self._caller is None:
            raise LookupError("the call has not been authorised")
        return self._caller

    @caller.setter
    def caller(self, key: ApiKey) -> None:
        self._caller = key

    def check_size(self, max_body_bytes: int) -> None:
        """Refuse a body over the limit, even if the gateway announced it but did not pass it on.

        Raises:
            BodyTooLargeError: the body is larger than `max_body_bytes`.
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
            InvalidParameterError: it is not one.
        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise InvalidParameterError("body", "is not JSON") from None
        if not isinstance(value, dict):
            raise InvalidParameterError("body", "is not a JSON object")
        return value


def decode_base64(text: str, parameter: str) -> bytes:
    """Return the bytes of a base64 text.

    A `data:` prefix, white space and missing padding are tolerated.

    Raises:
        InvalidParameterError: it is not base64.
    """
    prefix = _DATA_URL.match(text[:_MAX_PREFIX_LENGTH])
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


def _body(event: Event) -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
