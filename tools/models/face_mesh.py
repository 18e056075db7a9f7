"""Turns MediaPipe's Face Mesh from TensorFlow Lite into ONNX.

Source: Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs", 2019. The published file knows six kinds of operators, all in float32 and with the channels
last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto

from tools.models.errors import ModelsError
from tools.models.graph import Graph

_SIDE = 192  # pixels
_POINTS = 468
_WHITE = 255


def build(published: bytes) -> onnx.ModelProto:
    """Return Face Mesh as ONNX, float32.

    Its input `crops` (N, 3, 192, 192) holds BGR bytes. Its outputs are `points` (N, 1404), which
    are x, y and z of 468 points in pixels of the crop, and `logits` (N, 1) of "it is a face".

    Raises:
        ModelsError: the file has an operator that this does not know.
    """
    return _Conversion(published).run()


@dataclass(frozen=True, slots=True)
class _Operator:
    """One operation of the file: what it reads and gives, by number, and its options."""

    inputs: list[int]
    output: int
    table: Any


class _Conversion:
    """Adds an ONNX node, or a few, for each operation of a file, in its order."""

    def __init__(self, published: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(published, 0)
        self._source = self._model.Subgraphs(0)
        self._graph = Graph()

    def run(self) -> onnx.ModelProto:
        (image,) = self._source.InputsAsNumpy().tolist()
        self._graph.node("Cast", ["crops"], self._name(image), to=TensorProto.FLOAT)
        for number in range(self._source.OperatorsLength()):
            self._append(self._source.Operators(number))
        for tensor, output in zip(self._outputs(), ("points", "logits"), strict=True):
            self._graph.node("Flatten", [tensor], output, axis=1)
        return self._graph.model(
            "face_mesh",
            {"crops": ("N", 3, _SIDE, _SIDE)},
            {"points": ("N", 3 * _POINTS), "logits": ("N", 1)},
            input_type=TensorProto.UINT8,
        )

    def _append(self, operator: Any) -> None:
        code = self._model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if code not in _KINDS:
            raise ModelsError(f"Face Mesh has an operator of the unknown kind {code}")
        inputs = operator.InputsAsNumpy().tolist()
        _KINDS[code](self, _Operator(inputs, operator.Outputs(0), operator.BuiltinOptions()))

    def _append_convolution(self, operator: _Operator) -> None:
        """Add a convolution; its filters are (outputs, height, width, inputs)."""
        options = _read(tflite.Conv2DOptions, operator.table)
        filters = self._numbers(operator.inputs[1]).transpose(0, 3, 1, 2)
        if operator.inputs[0] == self._source.Inputs(0):
            filters = filters[:, ::-1] / np.float32(_WHITE)  # RGB 0..1 to BGR 0..255
        self._convolve(operator, filters, options, group=1)

    def _append_depthwise(self, operator: _Operator) -> None:
        """Add a depthwise convolution; its filters are (1, height, width, channels)."""
        options = _read(tflite.DepthwiseConv2DOptions, operator.table)
        filters = self._numbers(operator.inputs[1]).transpose(3, 0, 1, 2)
        self._convolve(operator, filters, options, group=len(filters))

    def _convolve(
        self, operator: _Operator, filters: NDArray[np.float32], options: Any, group: int
    ) -> None:
        strides = [options.StrideH(), options.StrideW()]
        self._graph.convolution(
            self._name(operator.inputs[0]),
            filters,
            self._numbers(operator.inputs[2]),
            self._name(operator.output),
            strides=strides,
            pads=self._pads(operator.inputs[0], options, filters.shape[2:], strides),
            group=group,
        )

    def _append_prelu(self, operator: _Operator) -> None:
        """Add slope * x + (1 - slope) * relu(x), which keeps onnxruntime in its blocked layout."""
        value, output = self._name(operator.inputs[0]), self._name(operator.output)
        slopes = self._numbers(operator.inputs[1]).ravel()
        rectified = self._graph.node("Relu", [value], f"{output}.relu")
        parts = [
            self._graph.scale_channels(value, slopes, f"{output}.linear"),
            self._graph.scale_channels(rectified, 1 - slopes, f"{output}.rectified"),
        ]
        self._graph.node("Add", parts, output)

    def _append_sum(self, operator: _Operator) -> None:
        inputs = [self._name(number) for number in operator.inputs]
        self._graph.node("Add", inputs, self._name(operator.output))

    def _append_pooling(self, operator: _Operator) -> None:
        options = _read(tflite.Pool2DOptions, operator.table)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        self._graph.node(
            "MaxPool",
            [self._name(operator.inputs[0])],
            self._name(operator.output),
            kernel_shape=kernel,
            strides=strides,
            pads=self._pads(operator.inputs[0], options, kernel, strides),
        )

    def _append_padding(self, operator: _Operator) -> None:
        """Add channels of zeros; the file has a pair of numbers for each axis, channels last."""
        (_, _, _, (before, after)) = self._numbers(operator.inputs[1]).tolist()
        output = self._name(operator.output)
        pads = np.array([0, before, 0, 0, 0, after, 0, 0], np.int64)
        inputs = [self._name(operator.inputs[0]), self._graph.constant(f"{output}.pads", pads)]
        self._graph.node("Pad", inputs, output)

    def _pads(self, value: int, options: Any, kernel: Any, strides: list[int]) -> list[int]:
        """Return ONNX's pads: rows and columns before, then behind; the file says SAME or VALID."""
        if options.Padding() == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        _, height, width, _ = self._source.Tensors(value).ShapeAsNumpy().tolist()
        missing = [
            max((-(-size // stride) - 1) * stride + extent - size, 0)
            for size, extent, stride in zip((height, width), kernel, strides, strict=True)
        ]
        before = [count // 2 for count in missing]
        return [*before, *(count - first for count, first in zip(missing, before, strict=True))]

    def _numbers(self, tensor: int) -> NDArray[Any]:
        """Return the values of a constant."""
        found = self._source.Tensors(tensor)
        kind = np.float32 if found.Type() == tflite.TensorType.FLOAT32 else np.int32
        data = self._model.Buffers(found.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(data, kind).reshape(found.ShapeAsNumpy())

    def _name(self, tensor: int) -> str:
        name: str = self._source.Tensors(tensor).Name().decode()
        return name

    def _outputs(self) -> list[str]:
        return [self._name(number) for number in self._source.OutputsAsNumpy().tolist()]


def _read(options: Any, table: Any) -> Any:
    """Return the options of an operation as their own class."""
    read = options()
    read.Init(table.Bytes, table.Pos)
    return read


_KINDS: Final[dict[int, Callable[[_Conversion, _Operator], None]]] = {
    tflite.BuiltinOperator.CONV_2D: _Conversion._append_convolution,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: _Conversion._append_depthwise,
    tflite.BuiltinOperator.PRELU: _Conversion._append_prelu,
    tflite.BuiltinOperator.ADD: _Conversion._append_sum,
    tflite.BuiltinOperator.MAX_POOL_2D: _Conversion._append_pooling,
    tflite.BuiltinOperator.PAD: _Conversion._append_padding,
}
