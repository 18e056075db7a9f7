"""A naive interpreter of TensorFlow Lite files: float64, channels last, one operator at a time.

It knows the operators of Face Mesh, follows the definitions of the TensorFlow documentation, and
shares nothing with the conversion that it is compared with.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def run(file: bytes, image: Floats) -> list[Floats]:
    """Return the outputs for one image of the input's shape (1, H, W, C)."""
    model = tflite.Model.GetRootAsModel(file, 0)
    graph = model.Subgraphs(0)
    values = {number: _constant(model, graph, number) for number in range(graph.TensorsLength())}
    values[graph.Inputs(0)] = image
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        inputs = [values[each] for each in operator.InputsAsNumpy()]
        values[operator.Outputs(0)] = _OPERATORS[code](operator, *inputs)
    return [values[each] for each in graph.OutputsAsNumpy()]


def _constant(model: Any, graph: Any, number: int) -> Floats:
    tensor = graph.Tensors(number)
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if isinstance(data, int):  # it has none: the value of an operator
        return np.empty(0)
    kind = "<f4" if tensor.Type() == tflite.TensorType.FLOAT32 else "<i4"
    return np.frombuffer(data.tobytes(), kind).reshape(tensor.ShapeAsNumpy()).astype(np.float64)


def _convolve(operator: Any, image: Floats, filters: Floats, biases: Floats) -> Floats:
    options = _options(operator, tflite.Conv2DOptions)
    assert options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE
    patches = _patches(image, filters.shape[1:3], options, filling=0)
    return np.asarray(np.einsum("yxijc,oijc->yxo", patches, filters, optimize=True)[None] + biases)


def _convolve_depthwise(operator: Any, image: Floats, filters: Floats, biases: Floats) -> Floats:
    options = _options(operator, tflite.DepthwiseConv2DOptions)
    assert options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE
    assert options.DepthMultiplier() == 1
    patches = _patches(image, filters.shape[1:3], options, filling=0)
    return np.asarray(
        np.einsum("yxijc,ijc->yxc", patches, filters[0], optimize=True)[None] + biases
    )


def _pool(operator: Any, image: Floats) -> Floats:
    options = _options(operator, tflite.Pool2DOptions)
    kernel = options.FilterHeight(), options.FilterWidth()
    patches = _patches(image, kernel, options, filling=-np.inf)
    return np.asarray(patches.max(axis=(2, 3))[np.newaxis])


def _rectify(_operator: Any, values: Floats, slopes: Floats) -> Floats:
    return np.where(values < 0, values * slopes, values)


def _add(operator: Any, one: Floats, other: Floats) -> Floats:
    options = _options(operator, tflite.AddOptions)
    assert options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE
    return one + other


def _pad(_operator: Any, values: Floats, pairs: Floats) -> Floats:
    return np.pad(values, pairs.astype(int))


def _patches(image: Floats, kernel: tuple[int, int], options: Any, filling: float) -> Floats:
    """Return the pixels under the kernel at each position: (rows, columns, *kernel, channels)."""
    strides = options.StrideH(), options.StrideW()
    extents = []
    for size, extent, stride in zip(image.shape[1:3], kernel, strides, strict=True):
        is_same = options.Padding() == tflite.Padding.SAME
        count = -(-size // stride) if is_same else (size - extent) // stride + 1
        missing = max((count - 1) * stride + extent - size, 0)
        extents.append((count, missing // 2, missing - missing // 2))
    pads = [(before, after) for _, before, after in extents]
    padded = np.pad(image[0], [*pads, (0, 0)], constant_values=filling)
    (rows, *_), (columns, *_) = extents
    patches = np.empty((rows, columns, *kernel, image.shape[3]))
    for row in range(rows):
        for column in range(columns):
            top, left = row * strides[0], column * strides[1]
            patches[row, column] = padded[top : top + kernel[0], left : left + kernel[1]]
    return patches


def _options(operator: Any, kind: Any) -> Any:
    options = kind()
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


_OPERATORS: dict[int, Callable[..., Floats]] = {
    tflite.BuiltinOperator.CONV_2D: _convolve,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: _convolve_depthwise,
    tflite.BuiltinOperator.MAX_POOL_2D: _pool,
    tflite.BuiltinOperator.PRELU: _rectify,
    tflite.BuiltinOperator.ADD: _add,
    tflite.BuiltinOperator.PAD: _pad,
}
