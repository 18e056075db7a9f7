"""The vision ports, with what they do counted."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core import metrics
from shared.core.hiding.ports import FaceRedactor, HideMethod
from shared.core.metrics import Metrics
from shared.core.photos.models import DetectionProfile, Face, Photo
from shared.core.photos.ports import Detector
from shared.core.recognition.ports import Embedder


class InstrumentedDetector:
    """Implements `Detector`: another detector, its faces counted and its time taken."""

    def __init__(self, detector: Detector, counts: Metrics) -> None:
        self._detector = detector
        self._counts = counts

    def detect(
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first."""
        started = time.perf_counter()
        faces = self._detector.detect(photo, profile=profile, threshold=threshold)
        self._counts.observe(metrics.DETECTION_DURATION, time.perf_counter() - started)
        self._counts.observe(metrics.FACES_FOUND, len(faces))
        return faces


class InstrumentedEmbedder:
    """Implements `Embedder`: another embedder, its faces counted and its time taken."""

    def __init__(self, embedder: Embedder, counts: Metrics) -> None:
        self._embedder = embedder
        self._counts = counts
        self.model_version = embedder.model_version

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector a face, float32 of shape (len(faces), dimensions)."""
        started = time.perf_counter()
        vectors = self._embedder.embed(photo, faces)
        if faces:
            self._counts.observe(metrics.EMBEDDING_DURATION, time.perf_counter() - started)
            self._counts.observe(metrics.FACES_EMBEDDED, len(faces))
        return vectors


class InstrumentedFaceRedactor:
    """Implements `FaceRedactor`: another redactor, the faces that it hid counted."""

    def __init__(self, redactor: FaceRedactor, counts: Metrics) -> None:
        self._masker = redactor
        self._counts = counts

    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        """Return a copy of the photo in which the faces cannot be seen."""
        hidden = self._masker.hide(photo, faces, method)
        self._counts.count(metrics.FACES_HIDDEN, len(faces), method=str(method))
        return hidden

    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        """Return a copy of the photo with a rectangle around each face."""
        return self._masker.draw(photo, faces)
