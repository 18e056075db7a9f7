"""From core values to the JSON of an answer."""

import base64

from shared.core.hiding.deidentify import Deidentified, TreatedFace
from shared.core.photos import geometry
from shared.http import Payload


def deidentified(result: Deidentified, *, faces_field: str, with_action: bool) -> Payload:
    """Return the answer to an analysis; `with_action` adds whether each face was hidden."""
    return {
        faces_field: [_face(face, with_action=with_action) for face in result.faces],
        "file": base64.b64encode(result.file).decode("ascii"),
        "type": result.format.value,
    }


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
