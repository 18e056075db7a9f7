"""From core values to the JSON of an answer."""

from collections.abc import Iterable
from datetime import timedelta, timezone

from shared.core.photos.models import Box, Point
from shared.core.recognition.compare import ComparedFace, Comparison
from shared.core.recognition.detection import FaceDetail
from shared.core.recognition.faces import AddedFaces
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.paging import Page
from shared.core.recognition.search import FaceMatch
from shared.http import Payload

_LANDMARKS = ("leftEye", "rightEye", "nose", "leftLip", "rightLip")


def group_list(found: Page[Group]) -> Payload:
    """Return a page of groups."""
    return {
        "groupCount": len(found.items),
        "groups": [
            {"groupId": group.group_id, "modelVersion": group.model_version}
            for group in found.items
        ],
        "nextToken": found.next_token,
    }


def group_detail(group: Group, *, utc_offset_h: int) -> Payload:
    """Return one group with its number of faces; the vendor's times have no time zone."""
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
    """Return which faces of an image were added, and which were not."""
    return {
        "modelVersion": group.model_version,
        "addedFaceCount": len(result.added),
        "addedFaces": [_face(face) for face in result.added],
        "addedFaceDetails": [_detail(detail) for detail in result.added_details],
        "notAddedFaceCount": len(result.not_added),
        "notAddedFaces": [_detail(detail) for detail in result.not_added],
        "isPartial": result.is_partial,
    }


def face_list(group: Group, found: Page[StoredFace]) -> Payload:
    """Return a page of faces."""
    return {
        "modelVersion": group.model_version,
        "faceCount": len(found.items),
        "faces": [_face(face) for face in found.items],
        "nextToken": found.next_token,
    }


def matches(group: Group, found: Iterable[FaceMatch]) -> Payload:
    """Return the faces found by a search."""
    shown = [{"face": _face(m.face), "similarity": _percent(m.similarity)} for m in found]
    return {
        "modelVersion": group.model_version,
        "matchFaceCount": len(shown),
        "matchFaces": shown,
    }


def source_face(box: Box, confidence: float) -> Payload:
    """Return the face that the others were compared with."""
    return {"bbox": _box(box), "confidence": _percent(100 * confidence)}


def comparison(model_version: str, result: Comparison) -> Payload:
    """Return the faces of the target, matched and unmatched by the threshold."""
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
