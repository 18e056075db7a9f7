"""Decorators of the vision ports that record metrics."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core import metrics
from shared.core.hiding.ports import FaceRedactor, HideMethod
from shared.core.metrics import Metrics
from shared.core.photos.models import DetectionProfile, Face, Photo
from shared.core.photos.ports import Detector
from shared.core.recognition.ports import Embedder


class InstrumentedDetector(Detector):
    """Counts the detected faces and measures the time."""

    def __init__(self, detector: Detector, counts: Metrics) -> None:
        self._detector = detector
        self._counts = counts

    @override
    def detect(
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        started = time.perf_counter()
        faces = self._detector.detect(photo, profile=profile, threshold=threshold)
        self._counts.observe(metrics.DETECTION_DURATION, time.perf_counter() - started)
        self._counts.observe(metrics.FACES_FOUND, len(faces))
        return faces


class InstrumentedEmbedder(Embedder):
    """Counts the embedded faces and measures the time; a call without faces is not counted."""

    def __init__(self, embedder: Embedder, counts: Metrics) -> None:
        self._embedder = embedder
        self._counts = counts
        self.model_version = embedder.model_version

    @override
    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        started = time.perf_counter()
        vectors = self._embedder.embed(photo, faces)
        if faces:
            self._counts.observe(metrics.EMBEDDING_DURATION, time.perf_counter() - started)
            self._counts.observe(metrics.FACES_EMBEDDED, len(faces))
        return vectors


class InstrumentedFaceRedactor(FaceRedactor):
    """Counts the hidden faces by method."""

    def __init__(self, redactor: FaceRedactor, counts: Metrics) -> None:
        self._redactor = redactor
        self._counts = counts

    @override
    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        hidden = self._redactor.hide(photo, faces, method)
        self._counts.count(metrics.FACES_HIDDEN, len(faces), method=str(method))
        return hidden

    @override
    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        return self._redactor.draw(photo, faces)
