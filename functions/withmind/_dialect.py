"""WithMind's wire format: the API key, which is our extension, and the results.

Source: the vendor's guide, "안면인식 판독 서비스" (messages of both operations).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.app import App
from shared.core import errors
from shared.core.errors import FaceError
from shared.core.metering import access
from shared.core.metering.models import ApiKey
from shared.http import Payload, Request, Response, caller
from shared.http.dialect import row_for

_METHOD = "POST"
_PUBLIC = access.public_key("public")


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer to a failed call, in both spellings if the guide has two."""

    payload: Payload
    other_spelling: Payload | None = None


_FAIL = Failure({"result": "Fail"})
_WRONG_SIZE = Failure(
    {"result": {"message": "Fail", "reason": "img_size_err"}},
    {"result": {"message": "Fail", "reason": "img size err"}},
)
_WRONG_TYPE = Failure({"result": {"message": "Fail", "reason": "File type err"}})
_NOT_ENROLLED = Failure(
    {"result": {"result": "unregistered user"}},
    {"result": {"result": "unregistered user "}},
)

ERRORS: Mapping[type[FaceError], Failure] = {
    errors.BodyTooLargeError: _WRONG_SIZE,
    errors.ImageTooSmallError: _WRONG_SIZE,
    errors.ImageTooLargeError: _WRONG_SIZE,
    errors.ImageError: _WRONG_TYPE,
    errors.NoFaceError: _FAIL,
    errors.PersonNotFoundError: _NOT_ENROLLED,
    errors.UnknownModelError: _NOT_ENROLLED,  # the remedy is to enrol the person again
    FaceError: _FAIL,
}


class WithmindDialect:
    """Answers like WithMind's server: HTTP 200 to every POST, with the outcome in `result`."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Return the API key of the caller, or a public one if none is given or required."""
        if request.method != _METHOD:
            raise errors.InvalidParameterError("method", f"must be {_METHOD}")
        raw_key = caller.header_key(request)
        if not raw_key and not app.settings.withmind_require_key:
            return _PUBLIC
        return caller.identify(request, app, raw_key)

    def answer(self, request: Request, payload: Payload) -> Response:
        """Return the result of a call."""
        return Response(200, payload)

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Return the result of an error."""
        outcome = type(error).__name__
        if request.method != _METHOD:
            return Response(405, _FAIL.payload, {"Allow": _METHOD}, outcome)
        failure = row_for(ERRORS, type(error))
        if app.settings.withmind_other_spellings and failure.other_spelling:
            return Response(200, failure.other_spelling, outcome=outcome)
        return Response(200, failure.payload, outcome=outcome)

    def is_finding(self, error: FaceError) -> bool:
        """Return whether the error is the result of an analysis."""
        return isinstance(error, errors.NoFaceError)


withmind = WithmindDialect()
