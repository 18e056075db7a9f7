"""Turns faces into vectors that are near each other for one person."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core.photos.models import Face, Photo
from shared.vision.alignment import cut_square, fit_similarities
from shared.vision.session import Device, Session
from shared.vision.weights import EmbedderSpec

# On a CPU more faces at once gain nothing and hold memory.
_FACES_AT_ONCE: dict[Device, int] = {"cpu": 8, "cuda": 64}


class OnnxEmbedder:
    """Implements `Embedder` with a network that the catalogue describes."""

    def __init__(self, session: Session, spec: EmbedderSpec, *, model_version: str) -> None:
        """Take the loaded network.

        Args:
            session: the network; its only input takes chips, its only output gives vectors.
            spec: what chips and vectors are like.
            model_version: what tells vectors of this network from those of another.
        """
        self._session = session
        self._spec = spec
        self._template = np.array(spec.template, np.float64)
        self.model_version = model_version

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector a face, float32 of shape (len(faces), dimensions)."""
        step = _FACES_AT_ONCE[self._session.device]
        vectors = [np.empty((0, self._spec.dimensions), np.float32)]
        for start in range(0, len(faces), step):
            landmarks = np.array([face.landmarks for face in faces[start : start + step]])
            to_image = fit_similarities(self._template, landmarks)
            chips = [cut_square(photo.upright_bgr, to, self._spec.side) for to in to_image]
            vectors += self._session.run(None, {self._session.input: self._as_input(chips)})
        found = np.concatenate(vectors)
        unit: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def _as_input(self, chips_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return chips as the network takes them."""
        chips = np.stack(chips_bgr)
        ordered = chips[..., ::-1] if self._spec.channels == "rgb" else chips
        values = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32)
        values -= self._spec.mean
        values *= self._spec.scale
        return values
