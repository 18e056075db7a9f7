"""Converts block-quantised weights back into float32, so that sessions do not have to."""

import numpy as np
import onnx
from numpy.typing import NDArray

from tools.models.graph import Array, Graph, attributes


def dequantise(model: onnx.ModelProto) -> Graph:
    """Return the graph of a model with float32 weights.

    In the published models, each weight is a chain of nodes over constants: `DequantizeLinear` with
    a scale and a zero point per block, usually followed by a `Reshape`.
    """
    graph = Graph.of(model)
    kept = []
    for node in graph.nodes:
        values = [graph.constants[name] for name in node.input if name in graph.constants]
        if node.op_type == "DequantizeLinear":
            graph.constants[node.output[0]] = _dequantise(*values, **attributes(node))
        elif node.op_type == "Reshape" and len(values) == len(node.input):
            graph.constants[node.output[0]] = values[0].reshape(values[1])
        else:
            kept.append(node)
    graph.nodes = kept
    return graph


def _dequantise(
    integers: Array, scales: Array, zeros: Array, *, axis: int, block_size: int
) -> NDArray[np.float32]:
    """Return (integer - zero) * scale; the last block of the axis may be shorter."""
    length = integers.shape[axis]
    scale, zero = (
        np.repeat(each, block_size, axis).take(range(length), axis) for each in (scales, zeros)
    )
    return (integers.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)
