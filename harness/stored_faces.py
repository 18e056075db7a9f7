"""Stores vectors in groups as if their faces had been enrolled."""

import uuid

import numpy as np
from numpy.typing import NDArray

from shared.app import App
from shared.core.photos.models import Box
from shared.core.recognition import faces as faces_core
from shared.core.recognition.models import Group, StoredFace

_AT_ONCE = 1000


def enrol(app: App, group: Group, vectors: NDArray[np.float32]) -> list[str]:
    """Add a face for each vector, float32 of shape (n, 128); return their ids."""
    face_ids = []
    for start in range(0, len(vectors), _AT_ONCE):
        faces = []
        for vector in vectors[start : start + _AT_ONCE]:
            face_id = str(uuid.uuid4())
            sealed = app.sealer.seal(group, face_id, vector)
            faces.append(StoredFace(face_id, face_id, None, Box(0, 0, 1, 1), 1.0, sealed))
        added = app.faces.add(group, faces, capacity=faces_core.CAPACITY)
        face_ids += [face.face_id for face in faces[:added]]
    return face_ids
