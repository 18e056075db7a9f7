"""Turns faces into vectors with dlib's recognition network (D. King, 2017)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core.models import Face, Photo
from shared.vision.alignment import (
    DETECTED_IN_CHIP,
    PREDICTED_IN_CHIP,
    Floats,
    cut_chip,
    fit_similarities,
)
from shared.vision.landmarks import LandmarkPredictor, squares_around
from shared.vision.session import Device, Session

DIMENSIONS = 128

# Each face is two chips. On a CPU more of them at once gain nothing and hold memory.
_FACES_AT_ONCE: dict[Device, int] = {"cpu": 8, "cuda": 64}


class DlibEmbedder:
    """Fills the port `Embedder`; distances of 0.41 and less mean the same person.

    A face is looked at twice: aligned by the precise points, and mirrored after alignment by the
    detector's own. The mean of both vectors errs less than either.
    """

    def __init__(
        self, session: Session, predictor: LandmarkPredictor, *, model_version: str
    ) -> None:
        """Take what has been loaded.

        Args:
            session: the network; `chips` (N, 3, 150, 150), RGB 0..255, to `vectors` (N, 128).
            predictor: of the precise points.
            model_version: what tells vectors of this network from those of another.

        """
        self._session = session
        self._predictor = predictor
        self.model_version = model_version

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector a face, float32 of shape (len(faces), 128)."""
        step = _FACES_AT_ONCE[self._session.device]
        vectors = [np.empty((0, DIMENSIONS), np.float32)]
        for start in range(0, len(faces), step):
            landmarks = np.array([face.landmarks for face in faces[start : start + step]])
            vectors.append(self._embed(photo.upright_bgr, landmarks))
        return np.concatenate(vectors)

    def _embed(self, image_bgr: NDArray[np.uint8], detected: Floats) -> NDArray[np.float32]:
        predicted = self._predictor.predict(image_bgr, squares_around(detected))
        precise = [cut_chip(image_bgr, to) for to in fit_similarities(PREDICTED_IN_CHIP, predicted)]
        rough = [cut_chip(image_bgr, to) for to in fit_similarities(DETECTED_IN_CHIP, detected)]
        chips = _as_input([*precise, *(chip[:, ::-1] for chip in rough)])
        (vectors,) = self._session.run(["vectors"], {"chips": chips})
        sums = vectors[: len(detected)] + vectors[len(detected) :]
        unit: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit


def _as_input(chips_bgr: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return chips as the network takes them: float32 (N, 3, H, W), RGB."""
    rgb = np.stack(chips_bgr)[..., ::-1]
    return np.ascontiguousarray(rgb.transpose(0, 3, 1, 2), np.float32)
