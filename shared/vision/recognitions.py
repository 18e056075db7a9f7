"""The embedders of this deployment, each loaded when a group first needs it."""

import threading
from collections.abc import Callable

from shared.config import Settings
from shared.core.ports import Metrics
from shared.core.search import Recognition
from shared.core.similarity import Calibration
from shared.vision import weights
from shared.vision.embedder import DlibEmbedder
from shared.vision.landmarks import LandmarkPredictor
from shared.vision.measured import MeasuredEmbedder
from shared.vision.session import Session


class Recognitions:
    """Fills the port `Recognitions`: groups keep the model that they were made with."""

    def __init__(
        self, settings: Settings, open_session: Callable[[str], Session], metrics: Metrics
    ) -> None:
        """Take the settings, what loads a model by its name in the catalogue, and what counts."""
        self._models_dir = settings.models_dir
        self._open_session = open_session
        self._metrics = metrics
        self._loaded: dict[str, Recognition] = {}
        self._lock = threading.Lock()

    def of(self, model_version: str) -> Recognition:
        """Return the embedder of a version, with its calibration.

        Raises:
            WeightsError: this deployment has no such model.
        """
        with self._lock:
            if model_version not in self._loaded:
                self._loaded[model_version] = self._load(model_version)
            return self._loaded[model_version]

    def _load(self, model_version: str) -> Recognition:
        model = weights.by_version(model_version)
        predictor = LandmarkPredictor(weights.load("dlib-5-points", self._models_dir))
        embedder = DlibEmbedder(
            self._open_session(model.name), predictor, model_version=model_version
        )
        return Recognition(MeasuredEmbedder(embedder, self._metrics), calibration(model_version))


def calibration(version: str) -> Calibration:
    """Return what the distances of an embedder mean.

    Raises:
        WeightsError: they were never measured.
    """
    measured = weights.table()["similarity"]
    if version not in measured:
        raise weights.WeightsError(f"the distances of {version!r} are not calibrated")
    return Calibration(tuple((distance, value) for distance, value in measured[version]["knots"]))
