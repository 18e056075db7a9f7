"""The JSON receipt beside each outcome of an upload. It contains no part of an image."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from shared import VERSION
from shared.core.blobs import Blob
from shared.core.hiding import hide_options, refusals
from shared.core.hiding.deidentify import Deidentified, TreatedFace
from shared.core.hiding.hide_options import HideOptions
from shared.core.photos import geometry

Json = dict[str, Any]


def basis(upload: Blob, options: HideOptions, hider_basis: Json) -> Json:
    """Return all that the outcome of an upload depends on: the same basis, the same outcome."""
    return {
        "source": {
            "version": upload.version,
            "sha256": hashlib.sha256(upload.data).hexdigest(),
            "bytes": len(upload.data),
        },
        "options": hide_options.to_json(options),
        **hider_basis,
    }


def receipt(result: Deidentified, basis: Json, *, output_version: str, now: float) -> bytes:
    """Return the receipt of a de-identified file."""
    return _write(
        now,
        {
            "faces": len(result.faces),
            "boxes": [_face(face) for face in result.faces],
            **basis,
            "output": {
                "version": output_version,
                "sha256": hashlib.sha256(result.file).hexdigest(),
                "bytes": len(result.file),
                "type": result.format.value,
            },
        },
    )


def refusal(
    key: str, error: Exception, *, source_version: str, data: bytes | None, now: float
) -> bytes:
    """Return the reason why a file was refused; `data` is the file, if it was read."""
    return _write(
        now,
        {
            "key": key,
            "reason": refusals.in_words(error),
            "error": type(error).__name__,
            "source": {
                "version": source_version,
                "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
            },
        },
    )


def read(data: bytes) -> Json:
    """Return the content of a receipt; an empty object if it cannot be read."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(now: float, content: Json) -> bytes:
    """Return JSON with the time and the version. Bytes of a name that are not UTF-8 are escaped."""
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    signed = {**content, "at": at, "by": f"face-functions {VERSION}"}
    return json.dumps(signed, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _face(face: TreatedFace) -> Json:
    item = {
        "conf": round(face.confidence, 4),
        "bbox": list(geometry.to_whole_pixels(face.box)),
        "action": "hidden" if face.is_hidden else "kept",
    }
    return item if face.face_id is None else {**item, "faceId": face.face_id}
