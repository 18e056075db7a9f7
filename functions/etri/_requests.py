"""From a request's JSON to core values."""

from typing import Any

from shared.core.errors import CorruptImageError, InvalidParameterError, UnsupportedImageError
from shared.core.hiding import hide_options
from shared.core.hiding.hide_options import HideOptions
from shared.http.request import Request, decode_base64

_FUNCTION_TYPE = "1"
_EXTENSIONS = ("jpg", "jpeg", "png", "bmp")


def image_file(request: Request) -> bytes:
    """Return the file of the request.

    Raises:
        UnsupportedImageError: the declared type is not supported.
        CorruptImageError: there is no file, or it is not base64.
    """
    argument = _argument(request)
    declared = argument.get("type")
    if not _is_allowed_type(declared):
        raise UnsupportedImageError
    file = argument.get("file")
    if not isinstance(file, str) or not file:
        raise CorruptImageError
    try:
        return decode_base64(file, "file")
    except InvalidParameterError:
        raise CorruptImageError from None


def options(request: Request) -> HideOptions:
    """Return the options of the request; they are an extension of the vendor's API.

    Raises:
        InvalidParameterError: an option is unknown or its value is not allowed.
    """
    return hide_options.parse(_argument(request).get("options"))


def has_options(request: Request) -> bool:
    """Return whether the request has options; the vendor's own clients never send them."""
    return "options" in _argument(request)


def _argument(request: Request) -> dict[str, Any]:
    try:
        argument = request.json.get("argument")
    except InvalidParameterError:
        raise CorruptImageError from None
    return argument if isinstance(argument, dict) else {}


def _is_allowed_type(declared: object) -> bool:
    if declared is None or (declared == 1 and not isinstance(declared, bool)):
        return True
    return isinstance(declared, str) and (
        declared == _FUNCTION_TYPE or declared.lower() in _EXTENSIONS
    )
