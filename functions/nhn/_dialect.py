"""NHN's wire format: the appKey, the envelope and the result codes.

Source: the vendor's guide, "얼굴 인식 API 가이드" (response header, error codes of each operation).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.app import App
from shared.core import errors
from shared.core.errors import FaceError
from shared.core.metering.models import ApiKey
from shared.http import Payload, Request, Response, caller
from shared.http.dialect import row_for


@dataclass(frozen=True, slots=True)
class Result:
    """A result code and its message; image errors of /compare have `compare_message`."""

    code: int
    message: str
    compare_message: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _because(result: Result, reason: str) -> Result:
    """Return a result with a header for the cause: the guide has one code for many causes."""
    return replace(result, headers=(("X-Face-Reason", reason),))


SUCCESS = Result(0, "SUCCESS")
PARTIAL_SUCCESS = Result(40070, "ServiceQuotaExceededPartialSuccessException")

_INVALID_PARAM = Result(-40000, "InvalidParam")
_UNAUTHORISED = Result(-41000, "UnauthorizedAppKey")
_TOO_LARGE = Result(-45020, "ImageTooLargeException", "ImageImageTooLargeException")
_BAD_FORMAT = Result(-45040, "InvalidImageFormatException", "ImageInvalidImageFormatException")
_BAD_URL = Result(-45050, "InvalidImageURLException", "ImageInvalidImageURLException")

ERRORS: Mapping[type[FaceError], Result] = {
    errors.InvalidParameterError: _INVALID_PARAM,
    errors.InvalidGroupIdError: Result(-40010, "InvalidGroupID"),
    errors.GroupExistsError: Result(-40020, "DuplicatedGroupID"),
    errors.GroupNotFoundError: Result(-40030, "NotFoundGroupError"),
    errors.InvalidTokenError: Result(-40040, "InvalidTokenError"),
    errors.FaceNotFoundError: Result(-40050, "NotFoundFaceIDError"),
    errors.GroupFullError: Result(-40070, "ServiceQuotaExceededException"),
    errors.GroupError: _INVALID_PARAM,
    errors.PersonNotFoundError: _INVALID_PARAM,
    errors.UnknownModelError: _because(_INVALID_PARAM, "UnknownModel"),
    errors.AccessError: _UNAUTHORISED,
    errors.BlockedKeyError: _because(_UNAUTHORISED, "BlockedKey"),
    errors.ForbiddenAddressError: _because(_UNAUTHORISED, "NotAllowedIP"),
    errors.TooManyKeysError: _because(_UNAUTHORISED, "TooManyKeys"),
    errors.TooManyAddressesError: _because(_UNAUTHORISED, "TooManyIPs"),
    errors.ForbiddenSubpathError: _because(_UNAUTHORISED, "NotAllowedSubpath"),
    errors.ConcurrencyLimitError: _because(_UNAUTHORISED, "ConcurrentLimitExceeded"),
    errors.DailyLimitError: _because(_UNAUTHORISED, "DailyLimitExceeded"),
    errors.MonthlyLimitError: _because(_UNAUTHORISED, "MonthlyLimitExceeded"),
    errors.YearlyLimitError: _because(_UNAUTHORISED, "YearlyLimitExceeded"),
    errors.UnknownApiError: replace(_INVALID_PARAM, status=404),
    errors.BodyTooLargeError: Result(-45020, "ImageTooLargeException"),
    errors.ImageTooLargeError: _TOO_LARGE,
    errors.TooManyPixelsError: _TOO_LARGE,
    errors.ImageError: Result(
        -45040, "InvalidImageFormatException", "ImageInvalidImageFormatException"
    ),
    errors.ImageUrlError: Result(
        -45050, "InvalidImageURLException", "ImageInvalidImageURLException"
    ),
    errors.ImageDownloadTimeoutError: Result(-45060, "ImageTimeoutError", "ImageImageTimeoutError"),
    errors.NoFaceError: _because(_INVALID_PARAM, "NoFace"),
    FaceError: Result(-50000, "InternalServerError"),
}


class NhnDialect:
    """Answers like NHN's API gateway: HTTP 200, with the outcome in the envelope."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Return the API key of the caller; a path without an appKey is not a route of this API."""
        raw_key = request.path_parameters.get("appKey")
        if raw_key is None:
            raise errors.UnknownApiError
        return caller.identify(request, app, raw_key)

    def answer(self, request: Request, payload: Payload) -> Response:
        """Return the payload of a call in the envelope; without `data` if it is empty."""
        is_partial = payload.pop("isPartial", False)
        data = {"data": payload} if payload else {}
        return _response(PARTIAL_SUCCESS if is_partial else SUCCESS, data, "ok")

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Return the result code of an error."""
        result = row_for(ERRORS, type(error))
        which = getattr(error, "which", "")
        message = f"{result.compare_message}:{which}" if which else result.message
        return _response(result, {}, type(error).__name__, message)

    def is_finding(self, error: FaceError) -> bool:
        """Return whether the error is the result of an analysis."""
        return isinstance(error, errors.NoFaceError)


def _response(result: Result, data: Payload, outcome: str, message: str = "") -> Response:
    header = {
        "resultCode": result.code,
        "resultMessage": message or result.message,
        "isSuccessful": result.code >= 0,
    }
    return Response(result.status, {"header": header, **data}, dict(result.headers), outcome)


nhn = NhnDialect()
