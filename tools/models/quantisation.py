"""Turns a float graph into one that computes in 8-bit integers.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018; Nagel et al., "Data-Free Quantization Through Weight
Equalization and Bias Correction", ICCV 2019 (its equalisation, with measured ranges).
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tools.models.graph import Array, Graph, attributes, consumers, shapes

TABLE = Path(__file__).with_name("int8_ranges.toml")

_LEVELS = 255
_LARGEST_WEIGHT = 63
_LARGEST_DEPTHWISE_WEIGHT = 127
_PIXELS = (0.0, 255.0)
_TAKE_INTEGERS = {"MaxPool", "Pad"}


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured of a float graph on photos.

    Attributes:
        exponents: of each value between a convolution and a depthwise one, the power of two that
            each of its channels is raised by.
        ranges: of each value that is computed in integers, the lowest and highest number. All other
            values stay float.
    """

    exponents: Mapping[str, Sequence[int]]
    ranges: Mapping[str, tuple[float, float]]


def load_calibrations(path: Path = TABLE) -> dict[str, Calibration]:
    """Return the committed measurements by graph."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Calibration(
            row.get("exponents", {}),
            {value: (low, high) for value, (low, high) in row["ranges"].items()},
        )
        for name, row in rows.items()
    }


def save_calibrations(calibrations: Mapping[str, Calibration], path: Path = TABLE) -> None:
    """Write measurements, a line for each value."""
    lines = ["# What the 8-bit models are made with; `python -m tools.models calibrate` writes it."]
    for name, calibration in calibrations.items():
        for kind in ("ranges", "exponents"):
            rows = getattr(calibration, kind)
            lines += ["", f"[{name}.{kind}]"]
            lines += [f'"{value}" = {list(row)}' for value, row in rows.items()]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def equalise(model: onnx.ModelProto, exponents: Mapping[str, Sequence[int]]) -> onnx.ModelProto:
    """Return the same function with the channels between two convolutions in one range.

    Eight bits for all channels of a value serve each channel well only if their ranges are alike. A
    rectifier lets positive factors through, so they go into the filters before it and out of the
    depthwise filters behind it; powers of two change no bit of a result.

    Args:
        model: convolutions, each with a rectifier behind it, followed by depthwise convolutions.
        exponents: by the rectifier's output, one for each channel.
    """
    graph = Graph.of(model)
    producers = {node.output[0]: node for node in graph.nodes}
    reads = consumers(graph.nodes)
    for value, powers in exponents.items():
        convolution = producers[producers[value].input[0]]
        (depthwise,) = reads[value]
        _raise_channels(graph, convolution.input[1:3], np.array(powers))
        _raise_channels(graph, depthwise.input[1:2], -np.array(powers))
    return graph.model(model.graph.name, shapes(model.graph.input), shapes(model.graph.output))


def quantise(model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]]) -> onnx.ModelProto:
    """Return the graph with the values of `ranges` in 8-bit integers.

    Weights are signed with a scale for each output channel, values unsigned; both are written as
    pairs of QuantizeLinear and DequantizeLinear, which runtimes turn into integer operators. The
    input must hold pixels, 0..255, which are integers already.
    """
    quantiser = _Quantiser(model, ranges)
    for node in model.graph.node:
        quantiser.append(node)
    return quantiser.graph.model(
        model.graph.name, shapes(model.graph.input), shapes(model.graph.output)
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """How the integers of a value are meant: the names of scale and zero point, and the scale."""

    name: str
    zero: str
    size: np.float32


class _Quantiser:
    """Appends the nodes of a float graph to one that computes in integers.

    The integers of a value V are called V.q, and their numbers V.dq.
    """

    def __init__(self, model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]]) -> None:
        self.graph = Graph()
        self._source = Graph.of(model)
        self._ranges = ranges
        self._rectified = {
            node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Relu"
        }
        self._scales: dict[str, _Scale] = {}
        self._dequantised: set[str] = set()
        self._image = model.graph.input[0].name
        self._quantise(self._image, self._image, _PIXELS)

    def append(self, node: onnx.NodeProto) -> None:
        """Add what stands for a node."""
        output = self._rectified.get(node.output[0], node.output[0])
        if node.op_type == "Relu" and node.output[0] in self._scales:
            return  # quantising clipped its input at 0
        if node.op_type in _TAKE_INTEGERS and node.input[0] in self._scales:
            self._append_on_integers(node)
            return
        if node.op_type == "Conv" and node.input[0] in self._scales and output in self._ranges:
            self._append_convolution(node)
        else:
            self.graph.add(node, [self._read(value) for value in node.input])
        if output in self._ranges:
            self._quantise(node.output[0], output, self._ranges[output])

    def _append_convolution(self, node: onnx.NodeProto) -> None:
        value = node.input[0]
        filters, biases = (self._source.constants[name] for name in node.input[1:])
        details = attributes(node)
        if value == self._image:
            value = self._append_blocks()
            filters, details = _on_blocks(filters, padding=details["pads"][0])
        integers, sizes = _quantise_filters(filters)
        steps = self._scales[value].size * sizes
        inputs = [
            self._read(value),
            self._append_weights(node.input[1], integers, sizes),
            self._append_weights(node.input[2], np.rint(biases / steps).astype(np.int32), steps),
        ]
        self.graph.node("Conv", inputs, node.output[0], **details)

    def _append_blocks(self) -> str:
        """Turn each 2x2 block of the image into one cell of all its channels."""
        blocks = f"{self._image}.blocks"
        self._scales[blocks] = self._scales[self._image]
        self.graph.node("SpaceToDepth", [f"{self._image}.q"], f"{blocks}.q", blocksize=2)
        return blocks

    def _append_on_integers(self, node: onnx.NodeProto) -> None:
        value, *others = node.input
        scale = self._scales[value]
        inputs = [f"{value}.q", *(self._read(name) for name in others)]
        if node.op_type == "Pad":
            inputs.append(scale.zero)
        self.graph.node(node.op_type, inputs, f"{node.output[0]}.q", **attributes(node))
        self._scales[node.output[0]] = scale

    def _append_weights(
        self, name: str, integers: NDArray[np.integer], sizes: NDArray[np.float32]
    ) -> str:
        inputs = [
            self.graph.constant(f"{name}.q", integers),
            self.graph.constant(f"{name}.scale", sizes),
            self.graph.constant(f"{name}.zero", np.zeros(sizes.shape, integers.dtype)),
        ]
        return self.graph.node("DequantizeLinear", inputs, f"{name}.dq", axis=0)

    def _quantise(self, value: str, name: str, span: tuple[float, float]) -> None:
        """Add the integers `name`.q of a value whose numbers lie in a range."""
        low, high = min(span[0], 0.0), max(span[1], 0.0)
        size = np.float32((high - low) / _LEVELS)
        zero = np.uint8(round(-low / float(size)))
        scale = _Scale(
            self.graph.constant(f"{name}.scale", np.array(size)),
            self.graph.constant(f"{name}.zero", np.array(zero)),
            size,
        )
        self.graph.node("QuantizeLinear", [value, scale.name, scale.zero], f"{name}.q")
        self._scales[name] = scale

    def _read(self, value: str) -> str:
        """Return the name under which a float node reads a value."""
        if value in self._source.constants:
            return self.graph.constant(value, self._source.constants[value])
        if value not in self._scales:
            return value
        numbers = f"{value}.dq"
        if numbers not in self._dequantised:
            scale = self._scales[value]
            self.graph.node("DequantizeLinear", [f"{value}.q", scale.name, scale.zero], numbers)
            self._dequantised.add(numbers)
        return numbers


def _quantise_filters(filters: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return filters (outputs, inputs, ...) as integers, and the size of one for each output.

    x86 CPUs without VNNI add two products of 8 bits each in 16: with 7 bits for a weight no sum
    overflows, and every CPU computes the same. Depthwise filters are not computed in pairs.
    """
    levels = _LARGEST_WEIGHT if filters.shape[1] > 1 else _LARGEST_DEPTHWISE_WEIGHT
    largest = np.abs(filters).reshape(len(filters), -1).max(axis=1)
    sizes = (np.where(largest > 0, largest, 1) / levels).astype(np.float32)
    integers = np.rint(filters / sizes.reshape(-1, *[1] * (filters.ndim - 1)))
    return integers.astype(np.int8), sizes


def _on_blocks(filters: Array, padding: int) -> tuple[Array, dict[str, Any]]:
    """Return the filters and attributes of a convolution of stride 2, for blocks of 2x2 pixels.

    Integer convolutions gather their inputs pixel by pixel: twelve numbers at once take half the
    time of three. The padding is 0 or 1 pixel.
    """
    outputs, channels, window, _ = filters.shape
    blocks = (window + padding + 1) // 2
    wide = np.zeros((outputs, channels, 2 * blocks, 2 * blocks), filters.dtype)
    wide[:, :, padding : padding + window, padding : padding + window] = filters
    split = wide.reshape(outputs, channels, blocks, 2, blocks, 2)
    joined = split.transpose(0, 3, 5, 1, 2, 4).reshape(outputs, 4 * channels, blocks, blocks)
    return joined, {"kernel_shape": [blocks] * 2, "pads": [padding, padding, 0, 0]}


def _raise_channels(graph: Graph, names: Sequence[str], exponents: NDArray[np.integer]) -> None:
    """Multiply what belongs to each output channel by a power of two."""
    for name in names:
        values = graph.constants[name]
        graph.constants[name] = np.ldexp(values.T, exponents).T
