"""WithMind's server: the API key, which is ours, and the results and their wording.

Source: the vendor's guide, "안면인식 판독 서비스" (messages of both operations).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.app import App
from shared.core.errors import (
    BodyTooLargeError,
    FaceError,
    ImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    InvalidParameterError,
    NoFaceError,
    PersonNotFoundError,
    UnknownModelError,
)
from shared.core.metering import access
from shared.core.metering.models import ApiKey
from shared.http import caller
from shared.http.dialect import row_for
from shared.http.request import Request
from shared.http.response import Payload, Response

_METHOD = "POST"
_PUBLIC = access.public_key("public")


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer to a call that failed; where the guide spells it in two ways, both of them."""

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
    BodyTooLargeError: _WRONG_SIZE,
    ImageTooSmallError: _WRONG_SIZE,
    ImageTooLargeError: _WRONG_SIZE,
    ImageError: _WRONG_TYPE,
    NoFaceError: _FAIL,
    PersonNotFoundError: _NOT_ENROLLED,
    UnknownModelError: _NOT_ENROLLED,  # enrolling anew is what helps
    FaceError: _FAIL,
}


class WithmindDialect:
    """Answers as WithMind's server does: HTTP 200 to every POST, and what happened in `result`."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Let a caller with a known key pass, and one without a key where none is required."""
        if request.method != _METHOD:
            raise InvalidParameterError("method", f"must be {_METHOD}")
        raw_key = caller.header_key(request)
        if not raw_key and not app.settings.withmind_require_key:
            return _PUBLIC
        return caller.identify(request, app, raw_key)

    def answer(self, request: Request, payload: Payload) -> Response:
        """Return the result of a call."""
        return Response(200, payload)

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Word an error."""
        outcome = type(error).__name__
        if request.method != _METHOD:
            return Response(405, _FAIL.payload, {"Allow": _METHOD}, outcome)
        failure = row_for(ERRORS, type(error))
        if app.settings.withmind_other_spellings and failure.other_spelling:
            return Response(200, failure.other_spelling, outcome=outcome)
        return Response(200, failure.payload, outcome=outcome)

    def is_finding(self, error: FaceError) -> bool:
        """Tell whether the error is what an analysis found."""
        return isinstance(error, NoFaceError)


withmind = WithmindDialect()
