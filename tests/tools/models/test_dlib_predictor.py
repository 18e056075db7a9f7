import io
import zipfile

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.config import Settings
from shared.vision import weights
from tools.models import dlib_predictor
from tools.models.conversion import convert
from tools.models.dlib_format import DlibFormatError
from tools.models.dlib_predictor import Predictor

CASCADES, TREES, PIXELS = 15, 500, 800
PACKED = np.dtype([("control", "u1"), ("magnitude", "<u4")])


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    rng = np.random.default_rng(2)

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 1, shape).astype(np.float32)

    return Predictor(
        initial_shape=normal(5, 2),
        anchors=rng.integers(0, 5, (CASCADES, PIXELS)).astype(np.uint8),
        deltas=normal(CASCADES, PIXELS, 2),
        splits=rng.integers(0, PIXELS, (CASCADES, TREES, 15, 2)).astype(np.int16),
        thresholds=normal(CASCADES, TREES, 15),
        leaves=normal(CASCADES, TREES, 16, 5, 2),
    )


@pytest.fixture(scope="module")
def file(predictor: Predictor) -> bytes:
    return written(predictor)


def written(predictor: Predictor, *, trees: int = TREES) -> bytes:
    """Return what dlib would write, but for its integers: all have four bytes here."""
    splits = np.concatenate(
        [predictor.splits.astype(np.int64), packed(predictor.thresholds[..., np.newaxis])], axis=-1
    )
    forests = behind_count(
        np.concatenate(
            [
                behind_count(splits.reshape(CASCADES, TREES, -1), 15),
                behind_count(matrices(predictor.leaves).reshape(CASCADES, TREES, -1), 16),
            ],
            axis=-1,
        ).reshape(CASCADES, -1),
        trees,
    )
    anchors = behind_count(predictor.anchors.astype(np.int64), PIXELS)
    deltas = behind_count(packed(predictor.deltas).reshape(CASCADES, -1), PIXELS)
    values = [
        np.array([1]),
        matrices(predictor.initial_shape).ravel(),
        *(behind_count(each.ravel(), CASCADES) for each in (forests, anchors, deltas)),
    ]
    integers = np.concatenate(values)
    stored = np.zeros(len(integers), PACKED)
    stored["control"] = np.where(integers < 0, 0x84, 0x04)
    stored["magnitude"] = np.abs(integers)
    return stored.tobytes()


def packed(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (..., 2 N) for floats (..., N): mantissas and exponents in turn."""
    mantissas, exponents = np.frexp(values)
    pairs = np.stack([(mantissas * 2.0**24).astype(np.int64), exponents - 24], axis=-1)
    return pairs.reshape(*values.shape[:-1], -1)


def matrices(points: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return points (..., 5, 2) as columns behind their sizes, which dlib writes negative."""
    flat = packed(points.reshape(*points.shape[:-2], 10))
    sizes = np.broadcast_to([-10, -1], (*flat.shape[:-1], 2))
    return np.concatenate([sizes, flat], axis=-1)


def behind_count(values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    counts = np.full((*values.shape[:-1], 1), count)
    return np.concatenate([counts, values], axis=-1)


def test_reads_every_array(predictor: Predictor, file: bytes) -> None:
    read = dlib_predictor.read(file)

    for name in Predictor.__dataclass_fields__:
        found, expected = getattr(read, name), getattr(predictor, name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.3, 0.97])
def test_refuses_a_file_that_ends_early(share: float, file: bytes) -> None:
    with pytest.raises(DlibFormatError, match="ends early"):
        dlib_predictor.read(file[: int(share * len(file))])


def test_refuses_a_predictor_of_another_size(predictor: Predictor) -> None:
    with pytest.raises(DlibFormatError, match="must have 500 items"):
        dlib_predictor.read(written(predictor, trees=499))


def test_refuses_a_file_that_goes_on(file: bytes) -> None:
    with pytest.raises(DlibFormatError, match="2 bytes are left over"):
        dlib_predictor.read(file + b"\x01\x00")


def test_the_prepared_arrays_carry_neither_objects_nor_times(file: bytes) -> None:
    prepared = convert("dlib-5-points", file)

    with np.load(io.BytesIO(prepared), allow_pickle=False) as arrays:
        assert set(arrays) == set(Predictor.__dataclass_fields__)
    times = {member.date_time for member in zipfile.ZipFile(io.BytesIO(prepared)).infolist()}
    assert times == {(1980, 1, 1, 0, 0, 0)}
    assert convert("dlib-5-points", file) == prepared


def test_the_prepared_predictor_starts_from_dlibs_mean_face() -> None:
    data = weights.load("dlib-5-points", Settings.from_environment().models_dir)

    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        right_outer, right_inner, left_outer, left_inner, nose = arrays["initial_shape"]

    assert left_outer[0] < left_inner[0] < nose[0] < right_inner[0] < right_outer[0]
    assert nose[1] > max(right_outer[1], left_outer[1]) + 0.2
