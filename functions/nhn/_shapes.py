"""From the request's JSON and query to core values, and from core values to the answer's JSON."""

import re
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import Any

from shared.app import App
from shared.core.errors import InvalidParameterError
from shared.core.photos.models import Box, Point
from shared.core.recognition import groups
from shared.core.recognition.compare import ComparedFace, Comparison
from shared.core.recognition.detection import FaceDetail, ImageInput
from shared.core.recognition.faces import AddedFaces, FacePage
from shared.core.recognition.groups import GroupPage
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.search import FaceMatch
from shared.http.request import Request, decode_base64
from shared.http.response import Payload

_EXTERNAL_IMAGE_ID = re.compile(r"[a-zA-Z0-9_.:\-]{1,255}")
_LANDMARKS = ("leftEye", "rightEye", "nose", "leftLip", "rightLip")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def group_id(request: Request) -> str:
    """Return the group of the path.

    Raises:
        InvalidParameterError: no group can have this name.
    """
    name = request.path_parameters["groupId"]
    if not groups.is_group_id(name):
        raise InvalidParameterError("group-id", "is not of [a-z0-9-]{1,255}")
    return name


def group(request: Request, app: App) -> Group:
    """Return the group of the path, as it is now.

    Raises:
        InvalidParameterError: no group can have this name.
        GroupNotFoundError: the caller's tenant has no such group.
    """
    return app.groups.get(request.caller.tenant, group_id(request))


def new_group_id(request: Request) -> str:
    """Return the name of the group to create."""
    name = request.json.get("groupId")
    if not isinstance(name, str):
        raise InvalidParameterError("groupId", "must be a text")
    return name


def query_integer(request: Request, name: str, *, low: int, high: int) -> int:
    """Return a required whole number of the query."""
    return _integer(request.query.get(name), name, low, high)


def body_integer(request: Request, name: str, *, low: int, high: int) -> int:
    """Return a required whole number of the body."""
    return _integer(request.json.get(name), name, low, high)


def compare_threshold(request: Request) -> int:
    """Return the threshold of /compare: of the query, or else of the body."""
    if "threshold" in request.query:
        return query_integer(request, "threshold", low=1, high=100)
    return body_integer(request, "threshold", low=1, high=100)


def page(request: Request, *, highest_limit: int) -> tuple[int, str | None]:
    """Return the limit and the token of a listing; with a token its own limit holds."""
    token = request.query.get("next-token")
    if token is not None:
        return highest_limit, token
    return query_integer(request, "limit", low=1, high=highest_limit), None


def image(request: Request, name: str) -> ImageInput:
    """Return an image of the body: exactly one of its `url` and `bytes`.

    Raises:
        InvalidParameterError: there is none, both are given, or the bytes are no base64.
    """
    given = request.json.get(name)
    if not isinstance(given, dict):
        raise InvalidParameterError(name, "must be an object")
    url, data = given.get("url"), given.get("bytes")
    if (url is None) == (data is None):
        raise InvalidParameterError(name, "must have exactly one of url and bytes")
    if url is not None:
        return ImageInput(url=_text(url, f"{name}.url"))
    return ImageInput(data=decode_base64(_text(data, f"{name}.bytes"), f"{name}.bytes"))


def external_image_id(request: Request) -> str | None:
    """Return the caller's own label of the image."""
    label = request.json.get("externalImageId")
    if label is None:
        return None
    if not isinstance(label, str) or not _EXTERNAL_IMAGE_ID.fullmatch(label):
        raise InvalidParameterError("externalImageId", "is not of [a-zA-Z0-9_.:-]{1,255}")
    return label


def group_list(found: GroupPage) -> Payload:
    """Return a page of groups."""
    return {
        "groupCount": len(found.groups),
        "groups": [
            {"groupId": group.group_id, "modelVersion": group.model_version}
            for group in found.groups
        ],
        "nextToken": found.next_token,
    }


def group_detail(group: Group, *, utc_offset_h: int) -> Payload:
    """Return one group with its number of faces; the vendor's times name no zone."""
    zone = timezone(timedelta(hours=utc_offset_h))
    return {
        "groupCount": 1,
        "groups": [
            {
                "groupId": group.group_id,
                "modelVersion": group.model_version,
                "createTime": group.created_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"),
                "faceCount": group.face_count,
            }
        ],
    }


def detection(details: Iterable[FaceDetail]) -> Payload:
    """Return the faces of an image."""
    shown = [_detail(detail) for detail in details]
    return {"faceDetailCount": len(shown), "faceDetails": shown}


def added_faces(group: Group, result: AddedFaces) -> Payload:
    """Return what became of the faces of an image."""
    return {
        "modelVersion": group.model_version,
        "addedFaceCount": len(result.added),
        "addedFaces": [_face(face) for face in result.added],
        "addedFaceDetails": [_detail(detail) for detail in result.added_details],
        "notAddedFaceCount": len(result.not_added),
        "notAddedFaces": [_detail(detail) for detail in result.not_added],
        "isPartial": result.is_partial,
    }


def face_list(group: Group, found: FacePage) -> Payload:
    """Return a page of faces."""
    return {
        "modelVersion": group.model_version,
        "faceCount": len(found.faces),
        "faces": [_face(face) for face in found.faces],
        "nextToken": found.next_token,
    }


def matches(group: Group, found: Iterable[FaceMatch]) -> Payload:
    """Return the faces that a search found."""
    shown = [{"face": _face(m.face), "similarity": _percent(m.similarity)} for m in found]
    return {
        "modelVersion": group.model_version,
        "matchFaceCount": len(shown),
        "matchFaces": shown,
    }


def source_face(box: Box, confidence: float) -> Payload:
    """Return the face that others were compared with."""
    return {"bbox": _box(box), "confidence": _percent(100 * confidence)}


def comparison(model_version: str, result: Comparison) -> Payload:
    """Return the faces of the target on either side of the threshold."""
    return {
        "modelVersion": model_version,
        "matchedFaceDetailCount": len(result.matched),
        "matchedFaceDetails": [_compared(face) for face in result.matched],
        "unmatchedFaceDetailCount": len(result.unmatched),
        "unmatchedFaceDetails": [_compared(face) for face in result.unmatched],
        "sourceFace": source_face(result.source_box, result.source_confidence),
    }


def _compared(face: ComparedFace) -> Payload:
    return {"faceDetail": _detail(face.detail), "similarity": _percent(face.similarity)}


def _face(face: StoredFace) -> Payload:
    shown: Payload = {"faceId": face.face_id, "imageId": face.image_id}
    if face.external_image_id is not None:
        shown["externalImageId"] = face.external_image_id
    return {**shown, "bbox": _box(face.box), "confidence": _percent(100 * face.confidence)}


def _detail(detail: FaceDetail) -> Payload:
    return {
        "bbox": _box(detail.box),
        "landmarks": [
            _landmark(name, point) for name, point in zip(_LANDMARKS, detail.landmarks, strict=True)
        ],
        "orientation": {
            "x": round(detail.pose.yaw, 4),
            "y": round(detail.pose.pitch, 4),
            "z": round(detail.pose.roll, 4),
        },
        "confidence": _percent(100 * detail.confidence),
    }


def _landmark(name: str, point: Point) -> Payload:
    x, y = point
    return {"type": name, "x": round(x, 6), "y": round(y, 6)}


def _box(box: Box) -> Payload:
    return {
        "x0": round(box.x1, 6),
        "y0": round(box.y1, 6),
        "x1": round(box.x2, 6),
        "y1": round(box.y2, 6),
    }


def _percent(value: float) -> float:
    return round(value, 4)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(name, "must be a text")
    return value


def _integer(value: Any, name: str, low: int, high: int) -> int:
    """Return a number that is given as one, or as a text of digits."""
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidParameterError(name, f"must be a whole number from {low} to {high}")
    return value
