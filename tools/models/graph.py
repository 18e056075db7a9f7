"""Reading, changing and writing ONNX graphs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
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
    """A graph that is being built: nodes in the order of execution, and constants by name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}

    @classmethod
    def of(cls, model: onnx.ModelProto) -> "Graph":
        """Return a graph with copies of a model's nodes and constants."""
        graph = cls()
        graph.nodes = [deepcopy(node) for node in model.graph.node]
        graph.constants = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        return graph

    def constant(self, name: str, values: Array) -> str:
        """Add a constant, floats as float32, and return its name."""
        is_float = np.issubdtype(values.dtype, np.floating)
        self.constants[name] = values.astype(np.float32) if is_float else values
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add an operator with one output, and return the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(
        self, value: str, filters: Array, biases: Array | None, output: str, **attributes: Any
    ) -> str:
        """Add a convolution, and return the output's name.

        Args:
            value: the name of the input.
            filters: shape (output channels, input channels of a group, height, width).
            biases: shape (output channels,), or None for zeros.
            output: the name of the output, and the prefix for those of the constants.
            attributes: of ONNX's Conv, except `kernel_shape`.
        """
        inputs = [value, self.constant(f"{output}.filters", filters)]
        if biases is not None:
            inputs.append(self.constant(f"{output}.biases", biases))
        return self.node("Conv", inputs, output, kernel_shape=filters.shape[2:], **attributes)

    def scale_channels(self, value: str, factors: Array, output: str) -> str:
        """Multiply each channel by its factor, and return the output's name.

        This is a depthwise convolution of one pixel. Unlike a multiplication, it lets onnxruntime
        keep its blocked layout.
        """
        filters = factors.reshape(-1, 1, 1, 1)
        return self.convolution(value, filters, None, output, group=len(filters))

    def model(
        self,
        name: str,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, Shape],
        input_type: int = TensorProto.FLOAT,
    ) -> onnx.ModelProto:
        """Return the checked model, without constants that no node reads.

        Args:
            name: the graph's name.
            inputs: names and shapes; a string is a dimension of any size.
            outputs: the same; they are float32.
            input_type: the type of the inputs' elements.
        """
        read = {value for node in self.nodes for value in node.input}
        constants = [
            numpy_helper.from_array(np.asarray(values, order="C"), constant)
            for constant, values in self.constants.items()
            if constant in read
        ]
        values = _values(inputs, input_type), _values(outputs, TensorProto.FLOAT)
        graph = helper.make_graph(self.nodes, name, *values, constants)
        opset = helper.make_opsetid("", _OPSET_VERSION)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name."""
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def _values(shapes: Mapping[str, Shape], element_type: int) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, element_type, shape) for name, shape in shapes.items()
    ]
