"""From the request's JSON to core values, and from core values to the answer's JSON."""

import base64
from typing import Any

from shared.core.errors import CorruptImageError, InvalidParameterError, UnsupportedImageError
from shared.core.hiding import hide_options
from shared.core.hiding.deidentify import Deidentified, TreatedFace
from shared.core.hiding.hide_options import HideOptions
from shared.core.photos import geometry
from shared.http.request import Request, decode_base64
from shared.http.response import Payload

_FUNCTION_TYPE = "1"
_EXTENSIONS = ("jpg", "jpeg", "png", "bmp")


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


def options(request: Request) -> HideOptions:
    """Return the options of the request, which are ours and not the vendor's.

    Raises:
        InvalidParameterError: an option is unknown or its value is not allowed: nothing that was
            asked for is silently left undone.

    """
    return hide_options.parse(_argument(request).get("options"))


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


def _face(face: TreatedFace, *, with_action: bool) -> Payload:
    x1, y1, x2, y2 = geometry.to_whole_pixels(face.box)
    item: Payload = {
        "conf": round(face.confidence, 4),
        "x": x1,
        "y": y1,
        "width": x2 - x1,
        "height": y2 - y1,
        "bbox": [x1, y1, x2, y2],
    }
    if with_action:
        item["action"] = "hidden" if face.is_hidden else "kept"
        if face.face_id is not None:
            item["faceId"] = face.face_id
    return item
