from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from shared.app import App
from shared.core.models import Box, DetectionScale, Photo
from shared.vision import weights
from shared.vision.detector import CenterFaceDetector
from shared.vision.embedder import DlibEmbedder
from shared.vision.landmarks import LandmarkPredictor
from shared.vision.session import Session
from tests import photos
from tools.models.calibration import integer_values, values_before_depthwise
from tools.models.graph import Graph
from tools.models.quantisation import (
    Calibration,
    equalise,
    load_calibrations,
    quantise,
    save_calibrations,
)

Images = NDArray[np.float32]
PHOTOS = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]


def noise(side: int) -> Images:
    return np.random.default_rng(3).integers(0, 256, (2, 3, side, side)).astype(np.float32)


def run(model: onnx.ModelProto, images: Images) -> NDArray[np.float32]:
    session = Session(model.SerializeToString(), provider="cpu", threads=1)
    (output,) = session.run(None, {"images": images})
    return output


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def convolve(
    graph: Graph, value: str, name: str, filters: NDArray[np.float32], **attributes: object
) -> None:
    """Add a convolution whose biases are 0, 10, 20..."""
    biases = np.arange(len(filters), dtype=np.float32) * 10
    inputs = [graph.constant(f"{name}.filters", filters), graph.constant(f"{name}.biases", biases)]
    window = list(filters.shape[2:])
    graph.node("Conv", [value, *inputs], name, kernel_shape=window, **attributes)


def whole(*shape: int) -> NDArray[np.float32]:
    """Return filters that seven bits hold exactly: whole numbers, up to 63 in each of them."""
    filters = np.random.default_rng(4).integers(-62, 63, shape)
    filters[:, 0, 0, 0] = 63
    return filters.astype(np.float32)


@pytest.mark.parametrize(("window", "padding", "side"), [(7, 0, 150), (3, 1, 64), (5, 1, 32)])
def test_the_first_convolution_errs_by_half_a_step_at_most(
    window: int, padding: int, side: int
) -> None:
    graph = Graph()
    convolve(graph, "images", "c", whole(8, 3, window, window), strides=[2, 2], pads=[padding] * 4)
    graph.node("Relu", ["c"], "r")
    graph.node("Identity", ["r"], "features")
    model = graph.model("test", {"images": ("N", 3, "H", "W")}, {"features": ("N", 8, "h", "w")})
    expected = run(model, noise(side))

    integers = quantise(model, {"r": (0.0, float(expected.max()))})

    assert "SpaceToDepth" in kinds(integers)
    assert "Relu" not in kinds(integers)
    step = expected.max() / 255
    np.testing.assert_allclose(run(integers, noise(side)), expected, atol=0.501 * step)


def block() -> onnx.ModelProto:
    """Return a graph with every kind of node that the quantiser tells apart."""
    graph = Graph()
    rng = np.random.default_rng(6)
    convolve(graph, "images", "c1", whole(4, 3, 3, 3), strides=[2, 2], pads=[1] * 4)
    graph.node("Relu", ["c1"], "r1")
    graph.node("MaxPool", ["r1"], "p1", kernel_shape=[2, 2], strides=[2, 2])
    convolve(graph, "p1", "c2", rng.normal(0, 0.2, (4, 4, 1, 1)).astype(np.float32))
    graph.node("Add", ["p1", "c2"], "s1")
    graph.node("Relu", ["s1"], "r2")
    pads = graph.constant("pads", np.array([0, 0, 0, 0, 0, 0, 1, 1]))
    graph.node("Pad", ["c2", pads], "e1")
    convolve(
        graph, "r2", "c3", rng.normal(0, 0.2, (4, 4, 1, 1)).astype(np.float32), pads=[0, 0, 1, 1]
    )
    graph.node("Add", ["e1", "c3"], "s2")
    graph.node("Tanh", ["s2"], "t1")
    graph.node("Mul", ["t1", "s2"], "out")
    return graph.model("test", {"images": ("N", 3, 32, 32)}, {"out": ("N", 4, 9, 9)})


def measured(model: onnx.ModelProto, images: Images) -> dict[str, tuple[float, float]]:
    """Return the range of each value that is to be computed in integers."""
    ranges = {}
    for name in integer_values(model):
        shown = onnx.ModelProto()
        shown.CopyFrom(model)
        shown.graph.output[0].name = name
        shown.graph.output[0].type.tensor_type.ClearField("shape")
        values = run(shown, images)
        ranges[name] = (float(values.min()), float(values.max()))
    return ranges


def test_a_graph_in_integers_computes_nearly_the_same() -> None:
    model, images = block(), noise(32)
    expected = run(model, images)

    found = run(quantise(model, measured(model, images)), images)

    assert np.abs(found - expected).max() < 0.03 * np.ptp(expected)
    assert np.abs(found - expected).max() > 0


def test_padding_in_integers_pads_with_zero() -> None:
    model, images = block(), noise(32)
    ranges = measured(model, images)
    assert ranges["c2"][0] < 0  # so that the integer that stands for 0 is another one

    integers = quantise(model, ranges)
    integers.graph.output[0].name = "e1.dq"

    np.testing.assert_array_equal(run(integers, images)[:, :, -1, :], 0)


def test_what_has_no_range_stays_float() -> None:
    model, images = block(), noise(32)
    ranges = measured(model, images)
    del ranges["c2"], ranges["r2"]

    found = run(quantise(model, ranges), images)

    expected = run(model, images)
    assert np.abs(found - expected).max() < 0.03 * np.ptp(expected)


def separable() -> onnx.ModelProto:
    graph = Graph()
    loudness = np.array([100, 10, 1, 0.01], np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
    convolve(graph, "images", "c1", whole(4, 3, 3, 3) * loudness, strides=[2, 2], pads=[1] * 4)
    graph.node("Relu", ["c1"], "r1")
    convolve(graph, "r1", "out", whole(4, 1, 3, 3) / loudness, group=4)
    return graph.model("test", {"images": ("N", 3, 32, 32)}, {"out": ("N", 4, 14, 14)})


def test_equalising_changes_no_bit_of_the_result() -> None:
    model, images = separable(), noise(32)

    equalised = equalise(model, {"r1": [0, 3, 6, 10]})

    np.testing.assert_array_equal(run(equalised, images), run(model, images))


def test_equalising_keeps_quiet_channels_from_drowning() -> None:
    model, images = separable(), noise(32)
    expected = run(model, images)

    def error(float_model: onnx.ModelProto) -> NDArray[np.float32]:
        in_integers = quantise(float_model, {"r1": measured(float_model, images)["r1"]})
        errors = np.abs(run(in_integers, images) - expected) / np.ptp(
            expected, axis=(0, 2, 3), keepdims=True
        )
        worst: NDArray[np.float32] = errors.max(axis=(0, 2, 3))
        return worst

    assert error(model)[3] > 0.2
    assert error(equalise(model, {"r1": [0, 3, 6, 10]})).max() < 0.05


@pytest.mark.parametrize("name", ["centerface-int8", "dlib-resnet-int8"])
def test_two_products_fit_16_bits_as_cpus_without_vnni_add_them(name: str, app: App) -> None:
    model = onnx.load_model_from_string(weights.load(name, app.settings.models_dir))

    filters = [
        values
        for key, values in Graph.of(model).constants.items()
        if values.dtype == np.int8 and values.ndim == 4 and values.shape[1] > 1
    ]

    assert len(filters) > 20
    assert all(2 * 255 * np.abs(values.astype(int)).max() < 2**15 for values in filters)


@pytest.mark.parametrize(
    ("graph", "name"), [("centerface", "centerface"), ("dlib-resnet", "dlib-resnet-fp32")]
)
def test_the_committed_table_fits_the_graphs(graph: str, name: str, app: App) -> None:
    model = onnx.load_model_from_string(weights.load(name, app.settings.models_dir))
    calibration = load_calibrations()[graph]

    assert set(calibration.ranges) == set(integer_values(model))
    assert set(calibration.exponents) == set(values_before_depthwise(model))
    assert all(low <= 0 < high for low, high in calibration.ranges.values())


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    calibrations = {
        "one": Calibration({"3": [0, 2, 10]}, {"3": (0.0, 1.5), "block1.sum": (-2.25, 1e-7)}),
        "two": Calibration({}, {"x": (-1.0, 0.0)}),
    }

    save_calibrations(calibrations, tmp_path / "table.toml")

    assert load_calibrations(tmp_path / "table.toml") == calibrations


@pytest.fixture(scope="module", params=PHOTOS)
def photo(request: pytest.FixtureRequest, app: App) -> Photo:
    return app.images.decode(photos.load(request.param))


def test_the_detector_in_integers_finds_the_same_face(photo: Photo, app: App) -> None:
    session = Session(
        weights.load("centerface-int8", app.settings.models_dir), provider="cpu", threads=0
    )
    detector = CenterFaceDetector(session)

    (found,) = detector.detect(photo, scale=DetectionScale.RECOGNITION)

    (expected,) = app.detector.detect(photo, scale=DetectionScale.RECOGNITION)
    assert overlap(found.box, expected.box) > 0.85
    drift = np.abs(np.array(found.landmarks) - expected.landmarks).max()
    assert drift < 0.06 * expected.box.width


def overlap(one: Box, other: Box) -> float:
    """Return the share of the union that both boxes cover."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)


def test_vectors_in_integers_are_nearly_those_in_float(photo: Photo, app: App) -> None:
    models_dir = app.settings.models_dir
    predictor = LandmarkPredictor(weights.load("dlib-5-points", models_dir))
    faces = app.detector.detect(photo, scale=DetectionScale.RECOGNITION)

    in_float, in_integers = (
        DlibEmbedder(
            Session(
                weights.load(f"dlib-resnet-{precision}", models_dir), provider="cpu", threads=0
            ),
            predictor,
            model_version=precision,
        ).embed(photo, faces)
        for precision in ("fp32", "int8")
    )

    assert float((in_float * in_integers).sum()) > 0.997
