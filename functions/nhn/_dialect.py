"""NHN's gateway: the appKey, the envelope, the result codes and their wording.

Source: the vendor's guide, "얼굴 인식 API 가이드" (response header, error codes of each operation).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.app import App
from shared.core.errors import (
    AccessError,
    BlockedKeyError,
    BodyTooLargeError,
    ConcurrencyLimitError,
    DailyLimitError,
    FaceError,
    FaceNotFoundError,
    ForbiddenAddressError,
    ForbiddenSubpathError,
    GroupError,
    GroupExistsError,
    GroupFullError,
    GroupNotFoundError,
    ImageDownloadTimeoutError,
    ImageError,
    ImageTooLargeError,
    ImageUrlError,
    InvalidGroupIdError,
    InvalidParameterError,
    InvalidTokenError,
    MonthlyLimitError,
    NoFaceError,
    PersonNotFoundError,
    TooManyAddressesError,
    TooManyKeysError,
    TooManyPixelsError,
    UnknownApiError,
    UnknownModelError,
    YearlyLimitError,
)
from shared.core.metering.models import ApiKey
from shared.http import caller
from shared.http.dialect import row_for
from shared.http.request import Request
from shared.http.response import Payload, Response


@dataclass(frozen=True, slots=True)
class Result:
    """A result code and its message; image errors of /compare are worded by `compare_message`."""

    code: int
    message: str
    compare_message: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _unauthorised(reason: str) -> Result:
    """Return the guide's one code for a caller who may not, and why in a header of ours."""
    return Result(-41000, "UnauthorizedAppKey", headers=(("X-Face-Reason", reason),))


SUCCESS = Result(0, "SUCCESS")
PARTIAL_SUCCESS = Result(40070, "ServiceQuotaExceededPartialSuccessException")

_INVALID_PARAM = Result(-40000, "InvalidParam")
_TOO_LARGE = Result(-45020, "ImageTooLargeException", "ImageImageTooLargeException")

ERRORS: Mapping[type[FaceError], Result] = {
    InvalidParameterError: _INVALID_PARAM,
    InvalidGroupIdError: Result(-40010, "InvalidGroupID"),
    GroupExistsError: Result(-40020, "DuplicatedGroupID"),
    GroupNotFoundError: Result(-40030, "NotFoundGroupError"),
    InvalidTokenError: Result(-40040, "InvalidTokenError"),
    FaceNotFoundError: Result(-40050, "NotFoundFaceIDError"),
    GroupFullError: Result(-40070, "ServiceQuotaExceededException"),
    GroupError: _INVALID_PARAM,
    PersonNotFoundError: _INVALID_PARAM,
    UnknownModelError: Result(-40000, "InvalidParam", headers=(("X-Face-Reason", "UnknownModel"),)),
    AccessError: Result(-41000, "UnauthorizedAppKey"),
    BlockedKeyError: _unauthorised("BlockedKey"),
    ForbiddenAddressError: _unauthorised("NotAllowedIP"),
    TooManyKeysError: _unauthorised("TooManyKeys"),
    TooManyAddressesError: _unauthorised("TooManyIPs"),
    ForbiddenSubpathError: _unauthorised("NotAllowedSubpath"),
    ConcurrencyLimitError: _unauthorised("ConcurrentLimitExceeded"),
    DailyLimitError: _unauthorised("DailyLimitExceeded"),
    MonthlyLimitError: _unauthorised("MonthlyLimitExceeded"),
    YearlyLimitError: _unauthorised("YearlyLimitExceeded"),
    UnknownApiError: Result(-40000, "InvalidParam", status=404),
    BodyTooLargeError: Result(-45020, "ImageTooLargeException"),
    ImageTooLargeError: _TOO_LARGE,
    TooManyPixelsError: _TOO_LARGE,
    ImageError: Result(-45040, "InvalidImageFormatException", "ImageInvalidImageFormatException"),
    ImageUrlError: Result(-45050, "InvalidImageURLException", "ImageInvalidImageURLException"),
    ImageDownloadTimeoutError: Result(-45060, "ImageTimeoutError", "ImageImageTimeoutError"),
    NoFaceError: Result(-40000, "InvalidParam", headers=(("X-Face-Reason", "NoFace"),)),
    FaceError: Result(-50000, "InternalServerError"),
}


class NhnDialect:
    """Answers as NHN's API gateway does: HTTP 200, and what happened in the envelope."""

    def authorise(self, request: Request, app: App) -> ApiKey:
        """Let a caller with a known appKey pass; a path without one is no route of this API."""
        raw_key = request.path_parameters.get("appKey")
        if raw_key is None:
            raise UnknownApiError
        return caller.identify(request, app, raw_key)

    def answer(self, request: Request, payload: Payload) -> Response:
        """Wrap what a call returned: its data, none where it is empty."""
        is_partial = payload.pop("isPartial", False)
        data = {"data": payload} if payload else {}
        return _response(PARTIAL_SUCCESS if is_partial else SUCCESS, data, "ok")

    def refuse(self, request: Request, error: FaceError, app: App) -> Response:
        """Word an error."""
        result = row_for(ERRORS, type(error))
        which = getattr(error, "which", "")
        message = f"{result.compare_message}:{which}" if which else result.message
        return _response(result, {}, type(error).__name__, message)

    def is_finding(self, error: FaceError) -> bool:
        """Tell whether the error is what an analysis found."""
        return isinstance(error, NoFaceError)


def _response(result: Result, data: Payload, outcome: str, message: str = "") -> Response:
    header = {
        "resultCode": result.code,
        "resultMessage": message or result.message,
        "isSuccessful": result.code >= 0,
    }
    return Response(result.status, {"header": header, **data}, dict(result.headers), outcome)


nhn = NhnDialect()
