"""What a vendor's API decides for itself: who may call, and how an outcome is worded."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from shared.app import App
from shared.core.errors import FaceError
from shared.core.metering.models import ApiKey
from shared.http.request import Request
from shared.http.response import Payload, Response

Row = TypeVar("Row")


class Dialect(Protocol):
    """One vendor's manner of speaking."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Return the key that lets the call pass, or raise an AccessError."""

    def answer(self, request: Request, payload: Payload) -> Response:
        """Word the result of a call."""

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Word an error."""

    def is_finding(self, error: FaceError) -> bool:
        """Tell whether the error is what an analysis found: such a call counts as served."""


def row_for(table: Mapping[type[FaceError], Row], error: type[FaceError]) -> Row:
    """Return the row of an error class or of its nearest ancestor; every table has the root."""
    return next(table[ancestor] for ancestor in error.__mro__ if ancestor in table)
