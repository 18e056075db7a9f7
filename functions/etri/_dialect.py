"""ETRI's wire format: the API key, the envelope and the errors.

Source: the vendor's guide, "얼굴 비식별화 API 레퍼런스" (error codes and analysis errors).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.app import App
from shared.core import errors
from shared.core.errors import FaceError
from shared.core.metering.models import ApiKey
from shared.http import Payload, Request, Response, caller
from shared.http.dialect import row_for

_HEADERS = {"Access-Control-Allow-Origin": "*"}
_RETURN_TYPE = "com.google.gson.internal.LinkedTreeMap"
_NO_REQUEST_ID = "reserved field"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the gateway: `result` is -1, and `reason` says why."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """An error of the analysis: the call succeeded, and `error` says why there is no image."""

    error: str


ERRORS: Mapping[type[FaceError], Refusal | Finding] = {
    errors.BodyTooLargeError: Refusal(413, "Body Size Limit Exceeded"),
    errors.MissingKeyError: Refusal(403, "Empty Auth Header"),
    errors.UnknownKeyError: Refusal(403, "Invalid Key KEY"),
    errors.BlockedKeyError: Refusal(403, "Blocked KEY"),
    errors.ForbiddenAddressError: Refusal(403, "Not Allowed IP"),
    errors.TooManyKeysError: Refusal(403, "Too Many Keys"),
    errors.TooManyAddressesError: Refusal(403, "Too Many IPs"),
    errors.ForbiddenSubpathError: Refusal(403, "Not Allowed Subpath"),
    errors.ConcurrencyLimitError: Refusal(429, "Concurrent Limit Exceeded"),
    errors.DailyLimitError: Refusal(403, "Daily Limit Exceeded"),
    errors.MonthlyLimitError: Refusal(403, "Monthly Limit Exceeded"),
    errors.YearlyLimitError: Refusal(403, "Yearly Limit Exceeded"),
    errors.AccessError: Refusal(403, "Invalid API"),  # a path without an API among them
    errors.AnalysisTimeoutError: Refusal(408, "Request Timeout"),
    errors.TooManyPixelsError: Refusal(413, "Body Size Limit Exceeded"),
    errors.UnsupportedImageError: Finding("This file is not allowed file type"),
    errors.NoFaceError: Finding("This file has no faces"),
    errors.ImageError: Finding("This file is not image contents"),  # a corrupt one among them
    errors.InvalidParameterError: Finding("This option is not allowed"),
    errors.GroupError: Finding("This option is not allowed"),
    errors.PersonNotFoundError: Finding("This option is not allowed"),
    errors.UnknownModelError: Finding("This option is not allowed"),
    errors.InvalidTokenError: Finding("This option is not allowed"),
    FaceError: Refusal(500, "Internal Server Error"),
}


class EtriDialect:
    """Answers like ETRI's API gateway."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Return the API key of the caller; see `caller.identify`."""
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
        """Return an error as the gateway's refusal or as a finding of the analysis."""
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
        """Return whether the error is the result of an analysis."""
        return isinstance(row_for(ERRORS, type(error)), Finding)


def faces_field(request: Request) -> str:
    """Return the name of the list of faces: `faces` for old clients, with the key in the body."""
    return "results" if caller.header_key(request) else "faces"


def _finding(request: Request, row: Finding, error: FaceError) -> Payload:
    if isinstance(error, errors.NoFaceError):
        return {"error": row.error, faces_field(request): []}
    if isinstance(error, errors.InvalidParameterError | errors.UnknownModelError):
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
    except errors.InvalidParameterError:
        return {}


etri = EtriDialect()
