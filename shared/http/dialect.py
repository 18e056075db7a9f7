"""The vendor-specific part of an API: authorisation, and the format of answers."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from shared.app import App
from shared.core.errors import FaceError
from shared.core.metering.models import ApiKey
from shared.http.request import Request
from shared.http.response import Payload, Response

Row = TypeVar("Row")


class Dialect(Protocol):
    """One vendor's wire format."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Return the API key of the caller, or raise an AccessError."""

    def answer(self, request: Request, payload: Payload) -> Response:
        """Return the response to a successful call."""

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Return the response to a failed call."""

    def is_finding(self, error: FaceError) -> bool:
        """Return whether the error is the result of an analysis; such a call counts."""


def row_for(table: Mapping[type[FaceError], Row], error: type[FaceError]) -> Row:
    """Return the row of an error class, or of its nearest ancestor. Every table has the root."""
    return next(table[ancestor] for ancestor in error.__mro__ if ancestor in table)
