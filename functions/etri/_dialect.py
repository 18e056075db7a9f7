"""ETRI's gateway: the key, the envelope, the refusals and their wording.

Source: the vendor's guide, "얼굴 비식별화 API 레퍼런스" (error codes and analysis errors).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.app import App
from shared.core.errors import (
    AccessError,
    AnalysisTimeoutError,
    BlockedKeyError,
    BodyTooLargeError,
    ConcurrencyLimitError,
    DailyLimitError,
    FaceError,
    ForbiddenAddressError,
    ForbiddenSubpathError,
    GroupError,
    ImageError,
    InvalidParameterError,
    InvalidTokenError,
    MissingKeyError,
    MonthlyLimitError,
    NoFaceError,
    PersonNotFoundError,
    TooManyAddressesError,
    TooManyKeysError,
    TooManyPixelsError,
    UnknownKeyError,
    UnknownModelError,
    UnsupportedImageError,
    YearlyLimitError,
)
from shared.core.metering.models import ApiKey
from shared.http import caller
from shared.http.dialect import row_for
from shared.http.request import Request
from shared.http.response import Payload, Response

_HEADERS = {"Access-Control-Allow-Origin": "*"}
_RETURN_TYPE = "com.google.gson.internal.LinkedTreeMap"
_NO_REQUEST_ID = "reserved field"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gateway's own: `result` is -1 and `reason` says why."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The analysis's own: the call succeeded, and `error` says why there is no picture."""

    error: str


ERRORS: Mapping[type[FaceError], Refusal | Finding] = {
    BodyTooLargeError: Refusal(413, "Body Size Limit Exceeded"),
    MissingKeyError: Refusal(403, "Empty Auth Header"),
    UnknownKeyError: Refusal(403, "Invalid Key KEY"),
    BlockedKeyError: Refusal(403, "Blocked KEY"),
    ForbiddenAddressError: Refusal(403, "Not Allowed IP"),
    TooManyKeysError: Refusal(403, "Too Many Keys"),
    TooManyAddressesError: Refusal(403, "Too Many IPs"),
    ForbiddenSubpathError: Refusal(403, "Not Allowed Subpath"),
    ConcurrencyLimitError: Refusal(429, "Concurrent Limit Exceeded"),
    DailyLimitError: Refusal(403, "Daily Limit Exceeded"),
    MonthlyLimitError: Refusal(403, "Monthly Limit Exceeded"),
    YearlyLimitError: Refusal(403, "Yearly Limit Exceeded"),
    AccessError: Refusal(403, "Invalid API"),  # a path without an API among them
    AnalysisTimeoutError: Refusal(408, "Request Timeout"),
    TooManyPixelsError: Refusal(413, "Body Size Limit Exceeded"),
    UnsupportedImageError: Finding("This file is not allowed file type"),
    NoFaceError: Finding("This file has no faces"),
    ImageError: Finding("This file is not image contents"),  # a corrupt one among them
    InvalidParameterError: Finding("This option is not allowed"),
    GroupError: Finding("This option is not allowed"),
    PersonNotFoundError: Finding("This option is not allowed"),
    UnknownModelError: Finding("This option is not allowed"),
    InvalidTokenError: Finding("This option is not allowed"),
    FaceError: Refusal(500, "Internal Server Error"),
}


class EtriDialect:
    """Answers as ETRI's API gateway does."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Let a caller with a known key pass."""
        return caller.identify(request, app, _raw_key(request))

    def answer(self, request: Request, payload: Payload) -> Response:
        """Wrap the result of an analysis."""
        return Response(
            200,
            {
                "request_id": _request_id(request),
                "result": 0,
                "return_type": _RETURN_TYPE,
                "return_object": payload,
            },
            _HEADERS,
        )

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Word an error: as the gateway's refusal, or as the analysis's finding."""
        row = row_for(ERRORS, type(error))
        outcome = type(error).__name__
        if isinstance(row, Finding):
            finding = self.answer(request, _finding(request, row, error))
            return Response(finding.status, finding.payload, finding.headers, outcome)
        return Response(
            row.status,
            {"request_id": _request_id(request), "result": -1, "reason": row.reason},
            _HEADERS,
            outcome,
        )

    def is_finding(self, error: FaceError) -> bool:
        """Tell whether the error is what an analysis found."""
        return isinstance(row_for(ERRORS, type(error)), Finding)


def faces_field(request: Request) -> str:
    """Return the name of the list of faces: `faces` for older clients, with the key in the body."""
    return "results" if caller.header_key(request) else "faces"


def _finding(request: Request, row: Finding, error: FaceError) -> Payload:
    if isinstance(error, NoFaceError):
        return {"error": row.error, faces_field(request): []}
    if isinstance(error, InvalidParameterError | UnknownModelError):
        return {"error": f"{row.error}: {error}"}
    return {"error": row.error}


def _raw_key(request: Request) -> str | None:
    key = caller.header_key(request) or _body(request).get("access_key")
    return key if isinstance(key, str) else None


def _request_id(request: Request) -> str:
    value = _body(request).get("request_id")
    return value if isinstance(value, str) else _NO_REQUEST_ID


def _body(request: Request) -> Payload:
    try:
        return request.json
    except InvalidParameterError:
        return {}


etri = EtriDialect()
