"""Computes the vectors (embeddings) of faces; those of one person are close to each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.photos.models import Face, Photo
from shared.core.recognition.ports import Embedder
from shared.vision.alignment import crop_square, fit_similarities
from shared.vision.session import Device, Session
from shared.vision.weights import EmbedderSpec

# On a CPU, larger batches are not faster and need more memory.
_BATCH_SIZES: dict[Device, int] = {"cpu": 8, "cuda": 64}


class OnnxEmbedder(Embedder):
    """Runs any network that a row of the catalogue describes; several threads can use it."""

    def __init__(self, session: Session, spec: EmbedderSpec, *, model_version: str) -> None:
        """Take the loaded network.

        Args:
            session: the network; its only input takes aligned faces, its only output is vectors.
            spec: the format of both.
            model_version: identifies the network whose vectors can be compared.
        """
        self._session = session
        self._spec = spec
        self._template = np.array(spec.template, np.float64)
        self.model_version = model_version

    @override
    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        step = _BATCH_SIZES[self._session.device]
        parts = [np.empty((0, self._spec.dimensions), np.float32)]
        for start in range(0, len(faces), step):
            landmarks = np.array([face.landmarks for face in faces[start : start + step]])
            to_image = fit_similarities(self._template, landmarks)
            crops = [crop_square(photo.upright_bgr, to, self._spec.side) for to in to_image]
            parts += self._session.run(None, {self._session.input: self._as_input(crops)})
        vectors = np.concatenate(parts)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def _as_input(self, crops_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return crops as the network's input, float32 of shape (N, 3, side, side)."""
        crops = np.stack(crops_bgr)
        ordered = crops[..., ::-1] if self._spec.channels == "rgb" else crops
        values = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32)
        values -= self._spec.mean
        values *= self._spec.scale
        return values
