import cv2
import numpy as np
import onnx
import pytest
import skimage.data
import tflite
from numpy.typing import NDArray

from shared.vision.session import Session
from tests.tools.models import tflite_interpreter
from tools.models import face_mesh
from tools.models.errors import ModelsError

SIDE = 192  # pixels


@pytest.fixture(scope="module")
def session(converted: dict[str, bytes]) -> Session:
    return Session(converted["face-mesh"], provider="cpu", threads=1)


def face_bgr() -> NDArray[np.uint8]:
    """Return a crop around a face as (H, W, 3)."""
    image_rgb = skimage.data.astronaut()[20:220, 125:325]  # type: ignore[no-untyped-call]
    resized = cv2.resize(image_rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(resized[..., ::-1], np.uint8)


def stacked(*crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([crop.transpose(2, 0, 1) for crop in crops])


def test_agrees_with_an_interpreter_of_the_published_file(
    published: dict[str, bytes], session: Session
) -> None:
    crop = face_bgr()

    points, logits = session.run(["points", "logits"], {"crops": stacked(crop)})

    image = crop[np.newaxis, ..., ::-1] / 255
    expected_points, expected_logit = tflite_interpreter.run(published["face-mesh"], image)
    assert expected_logit.item() > 10
    np.testing.assert_allclose(points, expected_points.reshape(1, -1), rtol=0, atol=1e-3)
    np.testing.assert_allclose(logits, expected_logit.reshape(1, 1), rtol=0, atol=1e-3)


def test_a_batch_gives_the_same_result_as_single_crops(session: Session) -> None:
    face, blank = face_bgr(), np.full((SIDE, SIDE, 3), 127, np.uint8)

    points, logits = session.run(["points", "logits"], {"crops": stacked(blank, face, face)})

    (alone,) = session.run(["points"], {"crops": stacked(face)})
    assert points.shape == (3, 3 * 468)
    np.testing.assert_allclose(points[1:], alone[[0, 0]], rtol=0, atol=1e-3)
    assert logits[0, 0] < 0 < logits[1, 0]


def test_only_has_operators_that_keep_the_blocked_layout(converted: dict[str, bytes]) -> None:
    nodes = onnx.load_model_from_string(converted["face-mesh"]).graph.node

    kinds = {node.op_type for node in nodes}
    assert kinds == {"Cast", "Conv", "Relu", "Add", "MaxPool", "Pad", "Flatten"}


def test_refuses_an_unsupported_operator(published: dict[str, bytes]) -> None:
    file = bytearray(published["face-mesh"])
    model = tflite.Model.GetRootAsModel(file, 0)
    codes = [model.OperatorCodes(number) for number in range(model.OperatorCodesLength())]
    code = next(each for each in codes if each.BuiltinCode() == tflite.BuiltinOperator.CONV_2D)
    file[code._tab.Pos + code._tab.Offset(4)] = tflite.BuiltinOperator.SOFTMAX  # its first field

    with pytest.raises(ModelsError, match="Face Mesh has an unsupported operator of the kind 25"):
        face_mesh.build(bytes(file))
