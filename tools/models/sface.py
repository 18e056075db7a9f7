"""Prepares SFace: float32 weights, any batch, more than twice as fast as the published graph.

Source: Y. Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition",
2021, in the block-quantised form of OpenCV's model zoo.

onnxruntime computes convolutions in a blocked layout and leaves it at each PRelu, which takes half
the time. So each PRelu is written as relu(z) + k * z, which only has convolutions and rectifiers.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from tools.models.dequantisation import dequantise
from tools.models.graph import Graph, attributes

Floats = NDArray[np.float64]

_DIMENSIONS = 128
_SIDE = 112  # pixels
_MEAN, _SCALE = 127.5, 1 / 128


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution with C output channels, and the PRelu after it.

    Attributes:
        filters: shape (C, input channels of a group, height, width).
        biases: shape (C,).
        slopes: the factors for negative numbers, shape (C,).
        details: ONNX's attributes strides, pads and group.
    """

    filters: Floats
    biases: Floats
    slopes: Floats
    details: dict[str, object]

    @property
    def is_depthwise(self) -> bool:
        return self.details["group"] != 1

    def times(self, factors: Floats) -> "_Layer":
        """Return the layer with the convolution's output multiplied by factors, per channel."""
        filters = self.filters * factors.reshape(-1, 1, 1, 1)
        return replace(self, filters=filters, biases=self.biases * factors)

    def reading_times(self, factors: Floats) -> "_Layer":
        """Return the layer with its input multiplied by factors, per channel."""
        shape = (-1, 1, 1, 1) if self.is_depthwise else (1, -1, 1, 1)
        return replace(self, filters=self.filters * factors.reshape(shape))


def build(published: bytes) -> onnx.ModelProto:
    """Return SFace as ONNX, float32.

    Its input is `chips`, RGB values 0..255 of shape (N, 3, 112, 112). Its output is `vectors`
    (N, 128), not normalised; it differs from the published graph's only by rounding.
    """
    source = dequantise(onnx.load_model_from_string(published))
    layers = _read_layers(source)
    weights, biases = _read_product(source, channels=len(layers[-1].biases))
    graph = Graph()
    value = graph.node("Sub", ["chips", graph.constant("mean", np.array(_MEAN))], "centred")
    value = graph.node("Mul", [value, graph.constant("scale", np.array(_SCALE))], "scaled")
    factors = np.ones(3)
    for number, layer in enumerate(layers):
        value = _append(graph, value, layer.reading_times(factors), f"layer_{number}")
        factors = 1 - layer.slopes
    value = graph.node("Flatten", [value], "flat", axis=1)
    weights = (weights * factors[:, np.newaxis]).reshape(_DIMENSIONS, -1)
    parts = [graph.constant("weights", weights), graph.constant("biases", biases)]
    graph.node("Gemm", [value, *parts], "vectors", transB=1)
    return graph.model("sface", {"chips": ("N", 3, _SIDE, _SIDE)}, {"vectors": ("N", _DIMENSIONS)})


def _read_layers(source: Graph) -> list[_Layer]:
    """Return the convolutions with the batch normalisations after them folded in."""
    readers = {node.input[0]: node for node in source.nodes if node.input}
    layers = []
    for node in source.nodes:
        if node.op_type == "Conv":
            norm = readers[node.output[0]]
            factors, shifts = _normalisation(source, norm)
            layer = _Layer(
                filters=_floats(source, node.input[1]),
                biases=np.zeros_like(shifts),
                slopes=_floats(source, readers[norm.output[0]].input[1]).ravel(),
                details={key: attributes(node)[key] for key in ("strides", "pads", "group")},
            )
            layers.append(replace(layer.times(factors), biases=shifts))
    return layers


def _read_product(source: Graph, channels: int) -> tuple[Floats, Floats]:
    """Return the final matrix product with the batch normalisations around it folded in.

    The weights have the shape (128, channels, pixels), the biases (128,).
    """
    (product,) = (node for node in source.nodes if node.op_type == "Gemm")
    norms = [node for node in source.nodes if node.op_type == "BatchNormalization"]
    factors, shifts = _normalisation(source, norms[-2])
    weights = _floats(source, product.input[1]).reshape(_DIMENSIONS, channels, -1)
    biases = _floats(source, product.input[2]) + _sums(weights * shifts[:, np.newaxis])
    weights = weights * factors[:, np.newaxis]
    factors, shifts = _normalisation(source, norms[-1])
    return weights * factors[:, np.newaxis, np.newaxis], biases * factors + shifts


def _sums(rows: Floats) -> Floats:
    """Return the sum of each row, rounded once, so that the order of summation does not matter."""
    return np.array([math.fsum(row.ravel().tolist()) for row in rows])


def _normalisation(source: Graph, node: onnx.NodeProto) -> tuple[Floats, Floats]:
    """Return the factor and the summand of a batch normalisation, per channel."""
    gamma, beta, mean, variance = (_floats(source, name) for name in node.input[1:])
    factors = gamma / np.sqrt(variance + attributes(node)["epsilon"])
    return factors, beta - mean * factors


def _append(graph: Graph, value: str, layer: _Layer, name: str) -> str:
    """Add a layer without its final factor, and return the output's name.

    With a slope s other than 1, the output is relu(z) + s * min(z, 0), which equals
    (1 - s) * (relu(z) + s / (1 - s) * z). The next layer absorbs the factor 1 - s. A depthwise
    convolution is cheap enough to be computed twice.
    """
    ratios = layer.slopes / (1 - layer.slopes)
    filters, biases = layer.filters, layer.biases
    convolved = graph.convolution(value, filters, biases, f"{name}.z", **layer.details)
    rectified = graph.node("Relu", [convolved], f"{name}.relu")
    if layer.is_depthwise:
        again = layer.times(ratios)
        linear = graph.convolution(
            value, again.filters, again.biases, f"{name}.linear", **layer.details
        )
    else:
        linear = graph.scale_channels(convolved, ratios, f"{name}.linear")
    return graph.node("Add", [linear, rectified], name)


def _floats(source: Graph, name: str) -> Floats:
    return source.constants[name].astype(np.float64)
