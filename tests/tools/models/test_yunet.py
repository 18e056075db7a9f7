"""YuNet, compared with the published file in OpenCV, the runtime of its publisher."""

import cv2
import numpy as np
import onnx
import pytest
import skimage.data
from numpy.typing import NDArray

from shared.vision.session import Session
from tools.models.yunet import STRIDES

Floats = NDArray[np.float32]

NAMES = [f"{head}_{stride}" for head in ("cls", "obj", "bbox", "kps") for stride in STRIDES]


@pytest.fixture(scope="module")
def session(converted: dict[str, bytes]) -> Session:
    return Session(converted["yunet"], provider="cpu", threads=1)


def astronaut(width: int, height: int) -> NDArray[np.uint8]:
    """Return a photo of one face as (1, 3, height, width), BGR."""
    image_rgb = skimage.data.astronaut()[:320, 64:384]  # type: ignore[no-untyped-call]
    resized = cv2.resize(image_rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized[..., ::-1].transpose(2, 0, 1)[np.newaxis], np.uint8)


def expected_of(published: bytes, image: NDArray[np.uint8]) -> dict[str, Floats]:
    net = cv2.dnn.readNetFromONNX(np.frombuffer(published, np.uint8))
    net.setInput(image.astype(np.float32))
    outputs = net.forward(NAMES)
    return {name: np.asarray(output) for name, output in zip(NAMES, outputs, strict=True)}


def found_by(session: Session, images: NDArray[np.uint8]) -> dict[str, Floats]:
    """Return the outputs with the published names and shapes: one row per cell."""
    found: dict[str, Floats] = {}
    for stride in STRIDES:
        (channels,) = session.run([f"maps_{stride}"], {"images": images})
        rows = channels.transpose(0, 2, 3, 1).reshape(len(images), -1, 16)
        logits, found[f"bbox_{stride}"], found[f"kps_{stride}"] = np.split(rows, [2, 6], axis=2)
        scores = np.asarray(1 / (1 + np.exp(-logits)), np.float32)
        found[f"cls_{stride}"], found[f"obj_{stride}"] = np.split(scores, 2, axis=2)
    return found


@pytest.mark.parametrize(("width", "height"), [(32, 32), (160, 96), (192, 320), (640, 640)])
def test_computes_the_outputs_of_the_published_graph(
    width: int, height: int, published: dict[str, bytes], session: Session
) -> None:
    image = astronaut(width, height)

    found, expected = found_by(session, image), expected_of(published["yunet"], image)

    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-4, err_msg=name)


def test_detects_the_face_of_a_photo(session: Session) -> None:
    found = found_by(session, astronaut(320, 320))

    scores = [np.sqrt(found[f"cls_{stride}"] * found[f"obj_{stride}"]).max() for stride in STRIDES]
    assert max(scores) > 0.9


def test_a_batch_gives_the_same_result_as_single_images(session: Session) -> None:
    image = astronaut(160, 96)
    images = np.concatenate([image, image[..., ::-1], 255 - image])

    together = found_by(session, images)

    for number in range(3):
        alone = found_by(session, images[number : number + 1])
        for name in NAMES:
            np.testing.assert_allclose(together[name][number], alone[name][0], atol=1e-5)


def test_merges_the_heads_of_a_stride(
    published: dict[str, bytes], converted: dict[str, bytes]
) -> None:
    before, after = (
        [node.op_type for node in onnx.load_model_from_string(files["yunet"]).graph.node]
        for files in (published, converted)
    )

    assert "DequantizeLinear" in before
    assert set(after) == {"Cast", "Conv", "Relu", "MaxPool", "Resize", "Add"}
    # Of four heads, each of two convolutions, one is left.
    assert after.count("Conv") == before.count("Conv") - 3 * 2 * len(STRIDES)
