import itertools

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tools.models.dequantisation import dequantise


def model_of(
    nodes: list[onnx.NodeProto], constants: dict[str, NDArray[np.generic]]
) -> onnx.ModelProto:
    """Return a model whose output is that of the last node."""
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    output = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "quantised", [], [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def quantised(
    shape: tuple[int, ...], axis: int, block_size: int
) -> tuple[onnx.ModelProto, dict[str, NDArray[np.generic]]]:
    """Return a model of one weight, and its constants: integers, scales and zero points."""
    rng = np.random.default_rng(7)
    blocks = list(shape)
    blocks[axis] = -(-shape[axis] // block_size)
    constants: dict[str, NDArray[np.generic]] = {
        "integers": rng.integers(-128, 128, shape, dtype=np.int8),
        "scales": rng.uniform(1e-3, 1e-1, blocks).astype(np.float32),
        "zeros": rng.integers(-128, 128, blocks, dtype=np.int8),
    }
    node = helper.make_node(
        "DequantizeLinear", list(constants), ["weight"], axis=axis, block_size=block_size
    )
    return model_of([node], constants), constants


@pytest.mark.parametrize(
    ("shape", "axis", "block_size"),
    [
        ((3, 128), 1, 64),
        ((3, 130), 1, 64),  # the last block has 2
        ((3, 40), 1, 64),  # the only block is a short one
        ((130, 2), 0, 64),
        ((2, 18, 3), 1, 9),
        ((1,), 0, 64),
    ],
)
def test_uses_the_scale_and_the_zero_point_of_each_block(
    shape: tuple[int, ...], axis: int, block_size: int
) -> None:
    model, constants = quantised(shape, axis, block_size)

    weight = dequantise(model).constants["weight"]

    assert weight.dtype == np.float32
    assert weight.shape == shape
    for place in itertools.product(*map(range, shape)):
        block = list(place)
        block[axis] //= block_size
        integer, scale, zero = (values[at] for values, at in zip(
            constants.values(), (place, tuple(block), tuple(block)), strict=True
        ))  # fmt: skip
        assert weight[place] == np.float32(int(integer) - int(zero)) * scale


def test_applies_a_reshape_of_a_weight() -> None:
    model, constants = quantised((4, 18), axis=1, block_size=9)
    flat = dequantise(model).constants["weight"]
    reshape = helper.make_node("Reshape", ["weight", "shape"], ["filters"])
    constants["shape"] = np.array([4, 2, 3, 3], np.int64)

    graph = dequantise(model_of([*model.graph.node, reshape], constants))

    assert graph.nodes == []
    np.testing.assert_array_equal(graph.constants["filters"], flat.reshape(4, 2, 3, 3))


def test_keeps_a_reshape_of_a_computed_value() -> None:
    nodes = [
        helper.make_node("Relu", ["image"], ["rectified"]),
        helper.make_node("Reshape", ["rectified", "shape"], ["flat"]),
    ]

    graph = dequantise(model_of(nodes, {"shape": np.array([1, -1], np.int64)}))

    assert [node.op_type for node in graph.nodes] == ["Relu", "Reshape"]


def test_does_not_change_the_model() -> None:
    model, _ = quantised((3, 130), axis=1, block_size=64)
    before = model.SerializeToString()

    dequantise(model).nodes.clear()

    assert model.SerializeToString() == before
