"""Prepares YuNet: float32 weights, any batch and image size, one output map per stride.

Source: W. Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023, in the block-quantised
form of OpenCV's model zoo.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto

from tools.models.dequantisation import dequantise
from tools.models.graph import Array, Graph, attributes

STRIDES = (8, 16, 32)

_HEADS = ("cls", "obj", "bbox", "kps")  # in the order of the channels of a map
_CHANNELS = 16
_IMAGE = "input"


def build(published: bytes) -> onnx.ModelProto:
    """Return YuNet as ONNX, float32.

    Its input is `images`, BGR bytes of shape (N, 3, H, W), with H and W multiples of 32. Its
    outputs `maps_8`, `maps_16` and `maps_32` (N, 16, h, w) have a cell for every 8, 16 and 32
    pixels in each direction. The channels are the logits of a face and of an object, four numbers
    of the box and ten of the landmarks: the published outputs without transposition and sigmoids.
    """
    source = dequantise(onnx.load_model_from_string(published))
    convolutions = {node.output[0]: node for node in source.nodes if node.op_type == "Conv"}
    heads = [_heads(source, convolutions, stride) for stride in STRIDES]
    graph = Graph()
    graph.constants = source.constants
    graph.node("Cast", ["images"], _IMAGE, to=TensorProto.FLOAT)
    graph.nodes += _before(source, {node.input[0] for head in heads for node, _ in head})
    for stride, head in zip(STRIDES, heads, strict=True):
        _append_joined(graph, head, f"maps_{stride}")
    return graph.model(
        "yunet",
        {"images": ("N", 3, "H", "W")},
        {f"maps_{s}": ("N", _CHANNELS, f"H/{s}", f"W/{s}") for s in STRIDES},
        input_type=TensorProto.UINT8,
    )


Head = tuple[onnx.NodeProto, onnx.NodeProto]
"""The pointwise convolution of an output, and the depthwise one after it."""


def _heads(source: Graph, convolutions: dict[str, onnx.NodeProto], stride: int) -> list[Head]:
    """Return the two convolutions of each output of a stride."""
    producers = {node.output[0]: node for node in source.nodes}
    found = []
    for name in _HEADS:
        value = f"{name}_{stride}"
        while value not in convolutions:
            value = producers[value].input[0]
        depthwise = convolutions[value]
        found.append((convolutions[depthwise.input[0]], depthwise))
    return found


def _before(source: Graph, features: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes up to the last value that the heads read."""
    numbers = {node.output[0]: number for number, node in enumerate(source.nodes)}
    return source.nodes[: max(numbers[value] for value in features) + 1]


def _append_joined(graph: Graph, heads: list[Head], output: str) -> None:
    """Add the heads of a stride as one head, because 16 channels are as fast as one."""
    pointwise, depthwise = (_join(graph, nodes) for nodes in zip(*heads, strict=True))
    pads = attributes(heads[0][1])["pads"]
    joined = graph.convolution(heads[0][0].input[0], *pointwise, output=f"{output}.pointwise")
    graph.convolution(joined, *depthwise, output=output, group=_CHANNELS, pads=pads)


def _join(graph: Graph, nodes: Sequence[onnx.NodeProto]) -> tuple[Array, Array]:
    """Return the filters and biases of several convolutions as one."""
    filters = np.concatenate([graph.constants[node.input[1]] for node in nodes])
    return filters, np.concatenate([graph.constants[node.input[2]] for node in nodes])
