"""The recognizers of this deployment."""

import threading
from collections.abc import Callable

from shared.core.metrics import Metrics
from shared.core.recognition.ports import Recognizer, RecognizerRegistry
from shared.core.recognition.similarity import Calibration
from shared.vision.embedder import OnnxEmbedder
from shared.vision.instrumented import InstrumentedEmbedder
from shared.vision.session import Session
from shared.vision.weights import Catalogue


class OnnxRecognizerRegistry(RecognizerRegistry):
    """Implements `RecognizerRegistry`: each model is loaded when a group first needs it."""

    def __init__(
        self, catalogue: Catalogue, open_session: Callable[[str], Session], metrics: Metrics
    ) -> None:
        """Take the models, what loads one by its name in the catalogue, and what counts."""
        self._catalogue = catalogue
        self._open_session = open_session
        self._metrics = metrics
        self._loaded: dict[str, Recognizer] = {}
        self._lock = threading.Lock()

    def get(self, model_version: str) -> Recognizer:
        """Return the embedder of a version, with its calibration.

        Raises:
            UnknownModelError: this deployment has no such model.
            WeightsError: its file is missing or is another one.
        """
        with self._lock:
            if model_version not in self._loaded:
                self._loaded[model_version] = self._load(model_version)
            return self._loaded[model_version]

    def _load(self, model_version: str) -> Recognizer:
        model, spec = self._catalogue.embedder(model_version)
        session = self._open_session(model.name)
        embedder = OnnxEmbedder(session, spec, model_version=model_version)
        return Recognizer(InstrumentedEmbedder(embedder, self._metrics), Calibration(spec.knots))
