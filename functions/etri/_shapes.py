"""From the request's JSON to core values, and from core values to the answer's JSON."""

import base64
import math
from typing import Any

from shared.core.deidentify import Deidentified, HiddenFace, HideOptions
from shared.core.errors import CorruptImageError, InvalidParameterError, UnsupportedImageError
from shared.core.models import HideMethod
from shared.http.request import Request, decode_base64
from shared.http.response import Payload

_FUNCTION_TYPE = "1"
_EXTENSIONS = ("jpg", "jpeg", "png", "bmp")
_OPTIONS = ("method", "min_face", "threshold", "draw")
_LARGEST_MIN_FACE = 100_000  # pixels


def image_file(request: Request) -> bytes:
    """Return the file of the request.

    Raises:
        UnsupportedImageError: the declared type is not one that is taken.
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


def hide_options(request: Request) -> HideOptions:
    """Return the options of the request, which are ours and not the vendor's.

    Raises:
        InvalidParameterError: an option is unknown or its value is not allowed: nothing that was
            asked for is silently left undone.

    """
    given = _argument(request).get("options")
    if given is None:
        return HideOptions()
    if not isinstance(given, dict):
        raise InvalidParameterError("options", "must be an object")
    for name in given:
        if name not in _OPTIONS:
            raise InvalidParameterError(name[:40], f"is not one of {', '.join(_OPTIONS)}")
    default = HideOptions()
    return HideOptions(
        method=_method(given.get("method", default.method)),
        min_face=_min_face(given.get("min_face", default.min_face)),
        threshold=_threshold(given["threshold"]) if "threshold" in given else None,
        draw=_draw(given.get("draw", default.draw)),
    )


def deidentified(request: Request, result: Deidentified, *, faces_field: str) -> Payload:
    """Return the answer to an analysis; what was done is said only to callers who gave options."""
    with_action = "options" in _argument(request)
    return {
        faces_field: [_face(face, with_action=with_action) for face in result.faces],
        "file": base64.b64encode(result.file).decode("ascii"),
        "type": result.format.value,
    }


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


def _method(value: object) -> HideMethod:
    if isinstance(value, str) and value in set(HideMethod):
        return HideMethod(value)
    raise InvalidParameterError("method", f"must be one of {', '.join(HideMethod)}")


def _min_face(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_MIN_FACE:
        return value
    raise InvalidParameterError("min_face", f"must be a whole number from 0 to {_LARGEST_MIN_FACE}")


def _threshold(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise InvalidParameterError("threshold", "must be a number between 0 and 1")


def _draw(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidParameterError("draw", "must be true or false")


def _face(face: HiddenFace, *, with_action: bool) -> Payload:
    x1, y1 = math.floor(face.box.x1), math.floor(face.box.y1)
    x2, y2 = math.ceil(face.box.x2), math.ceil(face.box.y2)
    item: Payload = {
        "conf": round(face.confidence, 4),
        "x": x1,
        "y": y1,
        "width": x2 - x1,
        "height": y2 - y1,
        "bbox": [x1, y1, x2, y2],
    }
    return {**item, "action": "hidden"} if with_action else item
