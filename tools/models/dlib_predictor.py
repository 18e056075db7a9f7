"""Reads dlib's landmark predictor: the trees of `shape_predictor_5_face_landmarks.dat`.

Source: `dlib/image_processing/shape_predictor.h` of dlib 19, after Kazemi and Sullivan, "One
Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR 2014.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.models.dlib_format import DlibFormatError, Reader, unpack_floats

_CASCADES, _TREES, _SPLITS, _LEAVES = 15, 500, 15, 16
_POINTS, _PIXELS = 5, 800

_FLOAT = 2  # a float is two integers
_MATRIX = 2 + _POINTS * 2 * _FLOAT  # rows, columns, then x and y of each point
_SPLIT = 2 + _FLOAT  # two pixels and a threshold
_TREE = 1 + _SPLITS * _SPLIT + 1 + _LEAVES * _MATRIX
_FOREST = 1 + _TREES * _TREE
_POINT = 2 * _FLOAT
_OFFSETS = 1 + _PIXELS * _POINT


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A cascade of regression trees; coordinates are in the unit square of the face.

    Attributes:
        initial_shape: float32 (points, 2), x and y, where the points are looked for first.
        anchors: uint8 (cascades, pixels), the point that each sampled pixel is tied to.
        deltas: float32 (cascades, pixels, 2), each pixel's offset from its anchor.
        splits: int16 (cascades, trees, splits, 2), the two pixels whose difference decides.
        thresholds: float32 (cascades, trees, splits), of that difference.
        leaves: float32 (cascades, trees, leaves, points, 2), what is added to the points.
    """

    initial_shape: NDArray[np.float32]
    anchors: NDArray[np.uint8]
    deltas: NDArray[np.float32]
    splits: NDArray[np.int16]
    thresholds: NDArray[np.float32]
    leaves: NDArray[np.float32]


def read(data: bytes) -> Predictor:
    """Return the predictor's arrays.

    Raises:
        DlibFormatError: the file is broken, or the predictor has another size than this one.
    """
    reader = Reader(data)
    reader.expect("the predictor's version", 1)
    initial_shape = _read_points(reader.integers(_MATRIX))
    forests = _vector(reader.integers(1 + _CASCADES * _FOREST), _CASCADES, _FOREST)
    trees = _vector(forests, _TREES, _TREE)
    splits, leaves = np.split(trees, [1 + _SPLITS * _SPLIT], axis=-1)
    splits = _vector(splits, _SPLITS, _SPLIT)
    leaves = _vector(leaves, _LEAVES, _MATRIX)
    anchors = _vector(reader.integers(1 + _CASCADES * (1 + _PIXELS)), _CASCADES, 1 + _PIXELS)
    deltas = _vector(reader.integers(1 + _CASCADES * _OFFSETS), _CASCADES, _OFFSETS)
    reader.require_end()
    return Predictor(
        initial_shape=initial_shape,
        anchors=_vector(anchors, _PIXELS, 1)[..., 0].astype(np.uint8),
        deltas=_floats(_vector(deltas, _PIXELS, _POINT).reshape(_CASCADES, _PIXELS, 2, _FLOAT)),
        splits=splits[..., :2].astype(np.int16),
        thresholds=_floats(splits[..., 2:]),
        leaves=_read_points(leaves),
    )


def _vector(values: NDArray[np.int64], count: int, size: int) -> NDArray[np.int64]:
    """Split (..., 1 + count * size), vectors behind their counts, into (..., count, size)."""
    if np.any(values[..., 0] != count):
        raise DlibFormatError(f"the predictor's vectors must have {count} items here")
    return values[..., 1:].reshape(*values.shape[:-1], count, size)


def _read_points(matrices: NDArray[np.int64]) -> NDArray[np.float32]:
    """Turn (..., _MATRIX), matrices of one column behind their sizes, into points (..., 5, 2)."""
    sizes = np.abs(matrices[..., :2])  # negative in files of newer versions
    if np.any(sizes != (2 * _POINTS, 1)):
        raise DlibFormatError(f"the predictor's matrices must have {2 * _POINTS} rows")
    return _floats(matrices[..., 2:].reshape(*matrices.shape[:-1], _POINTS, 2, _FLOAT))


def _floats(packed: NDArray[np.int64]) -> NDArray[np.float32]:
    return unpack_floats(packed).astype(np.float32)
