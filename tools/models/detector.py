"""Rewrites the published CenterFace graph: the same faces, for any size of image, twice as fast.

Source: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019; the
published file is made for 10 images of 32x32 pixels and keeps onnxruntime from optimising it.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from tools.models.graph import Graph, attributes, consumers

_IMAGE = "input.1"
_FEATURES = "535"
_HEADS = {"536": "logits", "538": "scale", "539": "offset", "540": "landmarks"}


def build(published: bytes) -> onnx.ModelProto:
    """Return CenterFace as ONNX, float32.

    Its input `images` (N, 3, H, W) holds RGB values 0..255, H and W multiples of 32. Its outputs
    have a cell for every 4x4 pixels: `heatmap` (N, 1, h, w) of confidences 0..1, `scale` and
    `offset` (N, 2, h, w), and `landmarks` (N, 10, h, w). They differ from the published graph's by
    rounding alone.
    """
    graph = Graph.of(onnx.load_model_from_string(published))
    _fold_normalisations(graph)
    _multiply_pointwise_convolutions(graph)
    _join_heads(graph)
    for node in graph.nodes:
        node.input[:] = ["images" if value == _IMAGE else value for value in node.input]
    return graph.model(
        "centerface",
        {"images": ("N", 3, "H", "W")},
        {
            "heatmap": ("N", 1, "h", "w"),
            "scale": ("N", 2, "h", "w"),
            "offset": ("N", 2, "h", "w"),
            "landmarks": ("N", 10, "h", "w"),
        },
    )


def _fold_normalisations(graph: Graph) -> None:
    """Take each batch normalisation into the transposed convolution before it."""
    kept: list[onnx.NodeProto] = []
    for node in graph.nodes:
        if node.op_type == "BatchNormalization":
            _fold_normalisation(graph, kept[-1], node)
        else:
            kept.append(node)
    graph.nodes = kept


def _fold_normalisation(graph: Graph, up: onnx.NodeProto, norm: onnx.NodeProto) -> None:
    gamma, beta, mean, variance = (_numbers(graph, name) for name in norm.input[1:])
    factor = gamma / np.sqrt(variance + attributes(norm)["epsilon"])
    filters = _numbers(graph, up.input[1]) * factor[:, np.newaxis, np.newaxis]
    _store(graph, up.input[1], filters)
    up.input.append(_store(graph, f"{up.input[1]}.biases", beta - mean * factor))
    up.output[0] = norm.output[0]


def _multiply_pointwise_convolutions(graph: Graph) -> None:
    """Replace two 1x1 convolutions in a row by their product where that takes fewer operations."""
    reads = consumers(graph.nodes)
    replaced = set()
    for node in graph.nodes:
        for reader in reads.get(node.output[0], []):
            alone = len(reads[node.output[0]]) == 1
            if alone and _is_pointwise(graph, node) and _is_pointwise(graph, reader):
                first, second = _matrix(graph, node), _matrix(graph, reader)
                if len(second) * first.shape[1] < first.size + second.size:
                    _replace_by_product(graph, node, reader)
                    replaced.add(node.output[0])
    graph.nodes = [node for node in graph.nodes if node.output[0] not in replaced]


def _is_pointwise(graph: Graph, node: onnx.NodeProto) -> bool:
    return node.op_type == "Conv" and graph.constants[node.input[1]].shape[2:] == (1, 1)


def _replace_by_product(graph: Graph, first: onnx.NodeProto, second: onnx.NodeProto) -> None:
    left, right = _matrix(graph, second), _matrix(graph, first)
    product = _multiply(left, right)
    shift = _multiply(left, _numbers(graph, first.input[2])[:, np.newaxis])[:, 0]
    biases = _numbers(graph, second.input[2]) + shift
    second.input[:] = [
        first.input[0],
        _store(graph, second.input[1], product[:, :, np.newaxis, np.newaxis]),
        _store(graph, second.input[2], biases),
    ]


def _multiply(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply matrices in a fixed order, so that every machine gets the same bits."""
    total = np.zeros((left.shape[0], right.shape[1]))
    for column, row in zip(left.T, right, strict=True):
        total += column[:, np.newaxis] * row
    return total


def _join_heads(graph: Graph) -> None:
    """Make the four convolutions on the last features one, and name what comes out."""
    heads = {node.output[0]: node for node in graph.nodes if node.output[0] in _HEADS}
    filters = [_numbers(graph, heads[output].input[1]) for output in _HEADS]
    biases = [_numbers(graph, heads[output].input[2]) for output in _HEADS]
    graph.nodes = [
        node for node in graph.nodes if node.output[0] not in _HEADS and node.op_type != "Sigmoid"
    ]
    graph.node(
        "Conv",
        [
            _FEATURES,
            _store(graph, "heads.filters", np.concatenate(filters)),
            _store(graph, "heads.biases", np.concatenate(biases)),
        ],
        "heads",
        kernel_shape=[1, 1],
    )
    sizes = graph.constant("heads.sizes", np.array([len(each) for each in filters], np.int64))
    graph.split("heads", sizes, list(_HEADS.values()))
    graph.node("Sigmoid", ["logits"], "heatmap")


def _matrix(graph: Graph, node: onnx.NodeProto) -> NDArray[np.float64]:
    return _numbers(graph, node.input[1])[:, :, 0, 0]


def _numbers(graph: Graph, name: str) -> NDArray[np.float64]:
    return graph.constants[name].astype(np.float64)


def _store(graph: Graph, name: str, values: NDArray[np.float64]) -> str:
    return graph.constant(name, values.astype(np.float32))
