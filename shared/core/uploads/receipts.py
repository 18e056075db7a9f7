"""What is told of an upload beside its outcome, as JSON. Nothing of an image is in it."""

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


def basis(upload: Blob, options: HideOptions, means: Json) -> Json:
    """Return all that decides what becomes of an upload: the same basis, the same outcome."""
    return {
        "source": {
            "version": upload.version,
            "sha256": hashlib.sha256(upload.data).hexdigest(),
            "bytes": len(upload.data),
        },
        "options": hide_options.to_json(options),
        **means,
    }


def receipt(result: Deidentified, basis: Json, *, output_version: str, now: float) -> bytes:
    """Return what is told of a de-identified file."""
    told = {
        "faces": len(result.faces),
        "boxes": [_face(face) for face in result.faces],
        **basis,
        "output": {
            "version": output_version,
            "sha256": hashlib.sha256(result.file).hexdigest(),
            "bytes": len(result.file),
            "type": result.format.value,
        },
        "at": _time(now),
        "by": f"face-functions {VERSION}",
    }
    return _write(told)


def refusal(
    key: str, error: Exception, *, source_version: str, data: bytes | None, now: float
) -> bytes:
    """Return what is told of a file that was refused; `data` is the file, if it was read."""
    told = {
        "key": key,
        "reason": refusals.in_words(error),
        "error": type(error).__name__,
        "source": {
            "version": source_version,
            "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
        },
        "at": _time(now),
        "by": f"face-functions {VERSION}",
    }
    return _write(told)


def read(data: bytes) -> Json:
    """Return what was told; nothing where that cannot be read."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _write(told: Json) -> bytes:
    """Return JSON; what is no UTF-8 in a name is escaped as JSON escapes it."""
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _face(face: TreatedFace) -> Json:
    told = {
        "conf": round(face.confidence, 4),
        "bbox": list(geometry.to_whole_pixels(face.box)),
        "action": "hidden" if face.is_hidden else "kept",
    }
    return told if face.face_id is None else {**told, "faceId": face.face_id}


def _time(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
