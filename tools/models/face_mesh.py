"""Converts MediaPipe's Face Mesh from TensorFlow Lite into ONNX.

Source: Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs", 2019. The published file has six kinds of operators, all in float32 and with the channels in
the last dimension.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx
import tflite
from onnx import TensorProto

from tools.models.errors import ModelsError
from tools.models.graph import Array, Graph

_SIDE = 192  # pixels
_POINTS = 468
_WHITE = 255


def build(published: bytes) -> onnx.ModelProto:
    """Return Face Mesh as ONNX, float32.

    Its input is `crops`, BGR bytes of shape (N, 3, 192, 192). Its outputs are `points` (N, 1404),
    which are x, y and z of 468 points in pixels of the crop, and `logits` of being a face (N, 1).

    Raises:
        ModelsError: the file has an unsupported operator.
    """
    return _Conversion(published).run()


class _Conversion:
    """Adds one or more ONNX nodes for each operator of a file, in its order."""

    def __init__(self, published: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(published, 0)
        self._source = self._model.Subgraphs(0)
        self._graph = Graph()

    def run(self) -> onnx.ModelProto:
        (image,) = self._source.InputsAsNumpy().tolist()
        self._graph.node("Cast", ["crops"], self._name(image), to=TensorProto.FLOAT)
        for number in range(self._source.OperatorsLength()):
            self._append(self._source.Operators(number))
        tensors = self._source.OutputsAsNumpy().tolist()
        for tensor, output in zip(tensors, ("points", "logits"), strict=True):
            self._graph.node("Flatten", [self._name(tensor)], output, axis=1)
        return self._graph.model(
            "face_mesh",
            {"crops": ("N", 3, _SIDE, _SIDE)},
            {"points": ("N", 3 * _POINTS), "logits": ("N", 1)},
            input_type=TensorProto.UINT8,
        )

    def _append(self, operator: Any) -> None:
        code = self._model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if code not in _KINDS:
            raise ModelsError(f"Face Mesh has an unsupported operator of the kind {code}")
        inputs, output = operator.InputsAsNumpy().tolist(), self._name(operator.Outputs(0))
        _KINDS[code](self, inputs, output, operator.BuiltinOptions())

    def _append_convolution(self, inputs: list[int], output: str, table: Any) -> None:
        """Add a convolution; the file's filters have the shape (outputs, height, width, inputs)."""
        filters = self._numbers(inputs[1]).transpose(0, 3, 1, 2)
        if inputs[0] == self._source.Inputs(0):
            filters = filters[:, ::-1] / np.float32(_WHITE)  # RGB 0..1 to BGR 0..255
        self._convolve(inputs, output, filters, _read(tflite.Conv2DOptions, table), group=1)

    def _append_depthwise(self, inputs: list[int], output: str, table: Any) -> None:
        """Add a depthwise convolution; the filters have the shape (1, height, width, channels)."""
        filters = self._numbers(inputs[1]).transpose(3, 0, 1, 2)
        options = _read(tflite.DepthwiseConv2DOptions, table)
        self._convolve(inputs, output, filters, options, group=len(filters))

    def _convolve(
        self, inputs: list[int], output: str, filters: Array, options: Any, group: int
    ) -> None:
        value, biases = self._name(inputs[0]), self._numbers(inputs[2])
        strides = [options.StrideH(), options.StrideW()]
        pads = self._pads(inputs[0], options, filters.shape[2:], strides)
        self._graph.convolution(
            value, filters, biases, output, strides=strides, pads=pads, group=group
        )

    def _append_prelu(self, inputs: list[int], output: str, _table: Any) -> None:
        """Add slope * x + (1 - slope) * relu(x): onnxruntime can keep its blocked layout."""
        value, slopes = self._name(inputs[0]), self._numbers(inputs[1]).ravel()
        rectified = self._graph.node("Relu", [value], f"{output}.relu")
        parts = [
            self._graph.scale_channels(value, slopes, f"{output}.linear"),
            self._graph.scale_channels(rectified, 1 - slopes, f"{output}.rectified"),
        ]
        self._graph.node("Add", parts, output)

    def _append_sum(self, inputs: list[int], output: str, _table: Any) -> None:
        self._graph.node("Add", [self._name(number) for number in inputs], output)

    def _append_pooling(self, inputs: list[int], output: str, table: Any) -> None:
        options = _read(tflite.Pool2DOptions, table)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        pads = self._pads(inputs[0], options, kernel, strides)
        value = self._name(inputs[0])
        self._graph.node(
            "MaxPool", [value], output, kernel_shape=kernel, strides=strides, pads=pads
        )

    def _append_padding(self, inputs: list[int], output: str, _table: Any) -> None:
        """Add channels of zeros; the file has a pair of numbers for each axis, channels last."""
        (_, _, _, (before, after)) = self._numbers(inputs[1]).tolist()
        pads = np.array([0, before, 0, 0, 0, after, 0, 0], np.int64)
        names = [self._name(inputs[0]), self._graph.constant(f"{output}.pads", pads)]
        self._graph.node("Pad", names, output)

    def _pads(self, value: int, options: Any, kernel: Any, strides: list[int]) -> list[int]:
        """Return ONNX's pads: top, left, bottom, right; the file only says SAME or VALID."""
        if options.Padding() == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        _, height, width, _ = self._source.Tensors(value).ShapeAsNumpy().tolist()
        missing = [
            max((-(-size // stride) - 1) * stride + extent - size, 0)
            for size, extent, stride in zip((height, width), kernel, strides, strict=True)
        ]
        before = [count // 2 for count in missing]
        return [*before, *(count - first for count, first in zip(missing, before, strict=True))]

    def _numbers(self, tensor: int) -> Array:
        """Return the values of a constant."""
        found = self._source.Tensors(tensor)
        kind = np.float32 if found.Type() == tflite.TensorType.FLOAT32 else np.int32
        data = self._model.Buffers(found.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(data, kind).reshape(found.ShapeAsNumpy())

    def _name(self, tensor: int) -> str:
        return str(self._source.Tensors(tensor).Name(), "utf-8")


def _read(options: Any, table: Any) -> Any:
    """Return the options of an operator as an instance of their class."""
    read = options()
    read.Init(table.Bytes, table.Pos)
    return read


_KINDS: Final[dict[int, Callable[[_Conversion, list[int], str, Any], None]]] = {
    tflite.BuiltinOperator.CONV_2D: _Conversion._append_convolution,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: _Conversion._append_depthwise,
    tflite.BuiltinOperator.PRELU: _Conversion._append_prelu,
    tflite.BuiltinOperator.ADD: _Conversion._append_sum,
    tflite.BuiltinOperator.MAX_POOL_2D: _Conversion._append_pooling,
    tflite.BuiltinOperator.PAD: _Conversion._append_padding,
}
