import hashlib

import numpy as np
import onnx
import pytest
import skimage.data
from numpy.typing import NDArray

from shared.vision import weights
from shared.vision.session import Session
from tools.models import detector
from tools.models.conversion import convert

OUTPUTS = ["heatmap", "scale", "offset", "landmarks"]


@pytest.fixture(scope="module")
def published(published_centerface: bytes) -> onnx.ModelProto:
    return onnx.load_model_from_string(published_centerface)


@pytest.fixture(scope="module")
def rebuilt(published_centerface: bytes) -> onnx.ModelProto:
    return detector.build(published_centerface)


def astronaut() -> NDArray[np.float32]:
    image_rgb = skimage.data.astronaut()[:256, 64:384]  # type: ignore[no-untyped-call]
    return np.asarray(image_rgb.transpose(2, 0, 1)[np.newaxis], np.float32)


def run(model: onnx.ModelProto, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = Session(model.SerializeToString(), provider="cpu", threads=0)
    return session.run(None, {model.graph.input[0].name: images})


def of_any_size(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the published graph, made for 10 images of 32x32, with nothing changed but that."""
    freed = onnx.ModelProto()
    freed.CopyFrom(model)
    for value in (freed.graph.input[0], *freed.graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    return freed


def test_sees_what_the_published_graph_sees(
    published: onnx.ModelProto, rebuilt: onnx.ModelProto
) -> None:
    images = np.concatenate([astronaut(), astronaut()[..., ::-1]])

    found, expected = run(rebuilt, images), run(of_any_size(published), images)

    assert expected[0].max() > 0.8
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)


def test_takes_images_of_any_size_and_names_its_outputs(rebuilt: onnx.ModelProto) -> None:
    assert [output.name for output in rebuilt.graph.output] == OUTPUTS
    images = np.zeros((3, 3, 64, 96), np.float32)

    shapes = [output.shape for output in run(rebuilt, images)]

    assert shapes == [(3, channels, 16, 24) for channels in (1, 2, 2, 10)]


def test_keeps_constants_out_of_the_inputs(rebuilt: onnx.ModelProto) -> None:
    assert [value.name for value in rebuilt.graph.input] == ["images"]


def test_leaves_out_what_takes_longer(published: onnx.ModelProto, rebuilt: onnx.ModelProto) -> None:
    before, after = ([node.op_type for node in model.graph.node] for model in (published, rebuilt))

    assert "BatchNormalization" in before
    assert "BatchNormalization" not in after
    # Four heads became one, and the 320 channels before the neck were multiplied away.
    assert after.count("Conv") == before.count("Conv") - 4


@pytest.mark.parametrize("name", ["centerface", "centerface-int8"])
def test_the_same_file_becomes_the_bytes_of_the_catalogue(
    name: str, published_centerface: bytes
) -> None:
    converted = convert(name, published_centerface)

    assert hashlib.sha256(converted).hexdigest() == weights.catalogue()[name].sha256
