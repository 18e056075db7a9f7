"""The recognizers that the catalogue of models describes."""

import threading
from collections.abc import Callable

from typing_extensions import override

from shared.core.metrics import Metrics
from shared.core.recognition.ports import Recognizer, RecognizerRegistry
from shared.core.recognition.similarity import Calibration
from shared.vision.embedder import OnnxEmbedder
from shared.vision.instrumented import InstrumentedEmbedder
from shared.vision.session import Session
from shared.vision.weights import Catalogue


class OnnxRecognizerRegistry(RecognizerRegistry):
    """Loads each model when a group or a person first needs it."""

    def __init__(
        self, catalogue: Catalogue, open_session: Callable[[str], Session], metrics: Metrics
    ) -> None:
        """Take the models, a function that loads one by its name, and the metrics."""
        self._catalogue = catalogue
        self._open_session = open_session
        self._metrics = metrics
        self._loaded: dict[str, Recognizer] = {}
        self._lock = threading.Lock()

    @override
    def get(self, model_version: str) -> Recognizer:
        """Return the recognizer of a model version.

        Raises:
            UnknownModelError: the catalogue does not have the model.
            WeightsError: the model's file is missing or has another digest.
        """
        with self._lock:
            if model_version not in self._loaded:
                model, spec = self._catalogue.embedder(model_version)
                session = self._open_session(model.name)
                embedder = OnnxEmbedder(session, spec, model_version=model_version)
                self._loaded[model_version] = Recognizer(
                    InstrumentedEmbedder(embedder, self._metrics), Calibration(spec.knots)
                )
            return self._loaded[model_version]
