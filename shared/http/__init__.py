"""From a gateway event to a call, and from its result or error to a response."""

from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload, Response

__all__ = ["Payload", "Request", "Response", "endpoint"]
