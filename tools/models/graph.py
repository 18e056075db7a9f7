"""ONNX graphs as they are read, changed and written here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]
Shape = Sequence[int | str]

_OPSET_VERSION = 21
_IR_VERSION = 10


class Graph:
    """A graph in the making: nodes in the order they run, and constants, all known by name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}

    @classmethod
    def of(cls, model: onnx.ModelProto) -> "Graph":
        """Return a graph with copies of a model's nodes and constants."""
        graph = cls()
        graph.nodes = [_copy(node) for node in model.graph.node]
        graph.constants = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        return graph

    def constant(self, name: str, values: Array) -> str:
        """Add a constant and return its name."""
        self.constants[name] = values
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add an operator with one output, and return the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def split(self, value: str, sizes: str, outputs: Sequence[str]) -> None:
        """Add a split of a value's channels."""
        self.nodes.append(helper.make_node("Split", [value, sizes], outputs, axis=1))

    def add(self, node: onnx.NodeProto, inputs: Sequence[str]) -> None:
        """Add a copy of a node that reads other inputs."""
        copied = _copy(node)
        copied.input[:] = inputs
        self.nodes.append(copied)

    def model(
        self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
    ) -> onnx.ModelProto:
        """Return the checked model; constants that no node reads are left out.

        Args:
            name: of the graph.
            inputs: names and shapes, float32; a text is a dimension of any size.
            outputs: the same.
        """
        read = {value for node in self.nodes for value in node.input}
        graph = helper.make_graph(
            self.nodes,
            name,
            _float32(inputs),
            _float32(outputs),
            [
                numpy_helper.from_array(np.asarray(values, order="C"), constant)
                for constant, values in self.constants.items()
                if constant in read
            ],
        )
        opset = helper.make_opsetid("", _OPSET_VERSION)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def consumers(nodes: Iterable[onnx.NodeProto]) -> dict[str, list[onnx.NodeProto]]:
    """Return the nodes that read each value."""
    found: dict[str, list[onnx.NodeProto]] = {}
    for node in nodes:
        for value in node.input:
            found.setdefault(value, []).append(node)
    return found


def shapes(values: Iterable[onnx.ValueInfoProto]) -> dict[str, Shape]:
    """Return the shapes of a model's inputs or outputs by name."""
    return {
        value.name: [
            dimension.dim_param or dimension.dim_value
            for dimension in value.type.tensor_type.shape.dim
        ]
        for value in values
    }


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name."""
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    return copied


def _float32(values: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in values.items()
    ]
