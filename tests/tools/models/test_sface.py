"""SFace, compared with the published file in OpenCV, the runtime of its publisher."""

import cv2
import numpy as np
import onnx
import pytest
import skimage.data
from numpy.typing import NDArray
from onnx import numpy_helper

from shared.vision.session import Session

Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def session(converted: dict[str, bytes]) -> Session:
    return Session(converted["sface"], provider="cpu", threads=1)


@pytest.fixture(scope="module")
def chips() -> Floats:
    """A face, noise, black and white, as (4, 3, 112, 112), RGB."""
    image_rgb = skimage.data.astronaut()[40:200, 145:305]  # type: ignore[no-untyped-call]
    face = cv2.resize(image_rgb, (112, 112), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    noise = np.random.default_rng(3).integers(0, 256, face.shape)
    return np.stack([face, noise, np.zeros_like(face), np.full_like(face, 255)]).astype(np.float32)


def unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def expected_of(published: bytes, chips: Floats) -> Floats:
    """Return the vectors of the published graph, which accepts one chip at a time."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(published, np.uint8))
    vectors = []
    for number in range(len(chips)):
        net.setInput(chips[number : number + 1], "data")
        vectors.append(np.array(net.forward("fc1")))
    return np.concatenate(vectors)


def slopes_of(published: bytes) -> Floats:
    """Return the factors for negative numbers of the published graph, for all channels."""
    graph = onnx.load_model_from_string(published).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    names = [node.input[1] for node in graph.node if node.op_type == "PRelu"]
    return np.concatenate([numpy_helper.to_array(constants[name]).ravel() for name in names])


def test_computes_the_vectors_of_the_published_graph(
    published: dict[str, bytes], session: Session, chips: Floats
) -> None:
    slopes = slopes_of(published["sface"])
    assert (slopes > 1).any()
    assert (slopes < 0).any()

    (vectors,) = session.run(["vectors"], {"chips": chips})

    expected = expected_of(published["sface"], chips)
    assert vectors.shape == (4, 128)
    np.testing.assert_allclose(unit(vectors), unit(expected), rtol=0, atol=1e-5)
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_batch_gives_the_same_vectors_as_single_chips(
    count: int, session: Session, chips: Floats
) -> None:
    (alone,) = session.run(["vectors"], {"chips": chips[:1]})
    (together,) = session.run(["vectors"], {"chips": chips[[0] * count]})

    np.testing.assert_allclose(unit(together), unit(alone[[0] * count]), rtol=0, atol=1e-6)


def test_has_no_slow_operators(converted: dict[str, bytes]) -> None:
    nodes = onnx.load_model_from_string(converted["sface"]).graph.node

    kinds = {node.op_type for node in nodes}
    assert kinds == {"Sub", "Mul", "Conv", "Relu", "Add", "Flatten", "Gemm"}
