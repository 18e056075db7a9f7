"""Measures on photos what `tools.models.quantisation` needs to know of the float graphs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from shared.core.models import DetectionScale, Photo
from shared.vision import weights
from shared.vision.detector import CenterFaceDetector
from shared.vision.embedder import DlibEmbedder
from shared.vision.image import CvImages
from shared.vision.landmarks import LandmarkPredictor
from shared.vision.session import Session
from tools.models.errors import ModelsError
from tools.models.graph import attributes, consumers
from tools.models.quantisation import Calibration

_STAY_FLOAT = {"heads"}  # the detector's outputs: 256 steps would be felt in the boxes
_MOST_RAISED = 10  # powers of two; a channel that hardly ever speaks needs no more
_DIGITS = 6
_EXPOSURES = (1.0, 0.5, 1.5)
_MOST_PIXELS = 50_000_000


def calibrate(paths: Sequence[Path], models_dir: Path) -> dict[str, Calibration]:
    """Look at photos of people with the float graphs, and return what was measured, by graph.

    Each photo is seen as it is and mirrored, darker and brighter too.

    Args:
        paths: image files with faces.
        models_dir: the folder of the prepared models.

    Raises:
        ModelsError: there is no face in the photos.
        WeightsError: the float models are not prepared.
        FaceError: a file is no image.
    """
    detector = _Recorder(weights.load("centerface", models_dir))
    embedder = _Recorder(weights.load("dlib-resnet-fp32", models_dir))
    finder = CenterFaceDetector(detector)
    predictor = LandmarkPredictor(weights.load("dlib-5-points", models_dir))
    recogniser = DlibEmbedder(embedder, predictor, model_version="")
    for path in paths:
        for photo in _variants(CvImages(_MOST_PIXELS).decode(path.read_bytes())):
            recogniser.embed(photo, finder.detect(photo, scale=DetectionScale.THOROUGH))
    if not embedder.highest:
        raise ModelsError("there is no face in these photos: give photos of people")
    return {"centerface": detector.calibration(), "dlib-resnet": embedder.calibration()}


class _Recorder(Session):
    """A session that keeps the lowest and highest number of each channel of each value."""

    def __init__(self, model: bytes) -> None:
        self._model = onnx.load_model_from_string(model)
        self._values = integer_values(self._model)
        super().__init__(_with_outputs(self._model, self._values), provider="cpu", threads=0)
        self.lowest: dict[str, NDArray[np.float32]] = {}
        self.highest: dict[str, NDArray[np.float32]] = {}

    def run(
        self, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """Return the outputs, and note the extremes of all values on the way."""
        wanted = list(outputs or [output.name for output in self._model.graph.output])
        results = super().run([*wanted, *self._values], inputs)
        for name, found in zip(self._values, results[len(wanted) :], strict=True):
            low, high = found.min(axis=(0, 2, 3)), found.max(axis=(0, 2, 3))
            self.lowest[name] = np.minimum(self.lowest.get(name, low), low)
            self.highest[name] = np.maximum(self.highest.get(name, high), high)
        return results[: len(wanted)]

    def calibration(self) -> Calibration:
        """Return what the extremes say."""
        exponents = {
            name: _exponents(self.highest[name]) for name in values_before_depthwise(self._model)
        }
        return Calibration(
            {name: each.tolist() for name, each in exponents.items()},
            {name: self._range(name, exponents.get(name)) for name in self._values},
        )

    def _range(self, name: str, exponents: NDArray[np.int64] | None) -> tuple[float, float]:
        raised = 1 if exponents is None else np.exp2(exponents)
        low, high = (self.lowest[name] * raised).min(), (self.highest[name] * raised).max()
        return float(f"{low:.{_DIGITS}g}"), float(f"{high:.{_DIGITS}g}")


def integer_values(model: onnx.ModelProto) -> list[str]:
    """Return the values to compute in integers: what convolutions and sums give, or their Relu."""
    rectified = {
        node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Relu"
    }
    return [
        rectified.get(node.output[0], node.output[0])
        for node in model.graph.node
        if node.op_type in {"Conv", "Add"} and node.output[0] not in _STAY_FLOAT
    ]


def values_before_depthwise(model: onnx.ModelProto) -> list[str]:
    """Return the rectified values that only a depthwise convolution reads."""
    reads = consumers(model.graph.node)
    return [
        node.output[0]
        for node in model.graph.node
        if node.op_type == "Relu" and all(map(_is_depthwise, reads[node.output[0]]))
    ]


def _is_depthwise(node: onnx.NodeProto) -> bool:
    return node.op_type == "Conv" and attributes(node).get("group", 1) > 1


def _exponents(highest: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the powers of two that bring each channel near the highest of all."""
    quietest = highest.max() / 2.0**_MOST_RAISED
    ratios = highest.max() / np.maximum(highest, quietest)
    exponents: NDArray[np.int64] = np.floor(np.log2(ratios)).astype(np.int64)
    return exponents


def _with_outputs(model: onnx.ModelProto, values: Sequence[str]) -> bytes:
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    extended.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in values
    )
    written: bytes = extended.SerializeToString()
    return written


def _variants(photo: Photo) -> Iterator[Photo]:
    for exposure in _EXPOSURES:
        exposed = np.clip(photo.upright_bgr * exposure, 0, 255).astype(np.uint8)
        yield replace(photo, upright_bgr=exposed)
        yield replace(photo, upright_bgr=np.ascontiguousarray(exposed[:, ::-1]))
