"""Reads dlib's recognition network, `dlib_face_recognition_resnet_model_v1.dat`.

Source: `dlib/dnn/core.h`, `layers.h`, `loss.h` and `input.h` of dlib 19.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.models.dlib_format import DlibFormatError, Reader

_TAG_OR_SKIP, _LAYER, _LAYER_ON_INPUT = _VERSIONS = 1, 2, 3
_WITHOUT_BIASES = 1


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution.

    Attributes:
        filters: float32 (outputs, inputs, rows, columns).
        biases: float32 (outputs,).
        stride: the same along rows and columns.
        padding: on each side, with 0.
    """

    filters: NDArray[np.float32]
    biases: NDArray[np.float32]
    stride: int
    padding: int


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """What training left of a batch normalisation: x * gamma + beta, float32 (channels,) each."""

    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A matrix product without biases: weights float32 (inputs, outputs)."""

    weights: NDArray[np.float32]


Layer = Convolution | Affine | Linear


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The network's numbers; `tools.models.embedder` knows how its layers are joined.

    Attributes:
        mean: float64 (3,), taken off RGB pixels 0..255 before they are divided by 256.
        layers: those that have numbers, from the input to the output.
    """

    mean: NDArray[np.float64]
    layers: list[Layer]


def read(data: bytes) -> Network:
    """Return the network in a file.

    Raises:
        DlibFormatError: the file is broken, or has layers that this network has not.
    """
    reader = Reader(data)
    reader.expect("the network's version", 1)
    _expect_text(reader, "loss_metric_2")
    reader.numbers(2)  # margin and threshold of the loss
    versions = _read_versions(reader)
    _expect_text(reader, "input_rgb_image_sized")
    mean = reader.numbers(3)
    reader.integers(2)  # rows and columns of the image
    layers = [_read_layer(reader)]
    reader.integer()  # samples an image makes
    layers += [_read_layer(reader) for version in reversed(versions) if version == _LAYER]
    reader.require_end()
    return Network(mean, [layer for layer in layers if layer is not None])


def _read_versions(reader: Reader) -> list[int]:
    """Read what stands before the layer on the input: the versions of all others, the last first.

    dlib writes a layer around the network below it: version, network, details.
    """
    versions = []
    while (version := reader.expect("a layer's version", *_VERSIONS)) != _LAYER_ON_INPUT:
        versions.append(version)
    return versions


def _read_layer(reader: Reader) -> Layer | None:
    kind = reader.text()
    if kind not in _DETAILS:
        raise DlibFormatError(f"dlib's recognition network has no layer {kind[:40]!r}")
    layer = _DETAILS[kind](reader)
    for _ in range(3):  # flags of the training
        reader.boolean()
    for _ in range(3):  # its buffers
        reader.tensor()
    return layer


def _read_convolution(reader: Reader) -> Convolution:
    params = reader.tensor().ravel()
    reader.integers(3)  # outputs, rows, columns: the filters' shape says them too
    stride, _, padding, _ = reader.integers(4).tolist()
    shape = reader.alias_tensor()
    reader.alias_tensor()
    reader.numbers(4)  # multipliers of the training
    filters, biases = np.split(params, [params.size - shape[0]])
    return Convolution(filters.reshape(shape), biases, stride, padding)


def _read_affine(reader: Reader) -> Affine:
    gamma, beta = np.split(reader.tensor().ravel(), 2)
    reader.alias_tensor()
    reader.alias_tensor()
    reader.integer()  # for convolutions or for matrix products
    return Affine(gamma, beta)


def _read_linear(reader: Reader) -> Linear:
    outputs, inputs = reader.integers(2).tolist()
    params = reader.tensor()
    reader.alias_tensor()
    reader.alias_tensor()
    reader.expect("the mode of the biases", _WITHOUT_BIASES)
    reader.numbers(4)  # multipliers of the training
    return Linear(params.reshape(inputs, outputs))


def _read_pool(reader: Reader) -> None:
    reader.integers(6)  # rows and columns of the window, the stride and the padding


def _read_nothing(_reader: Reader) -> None:
    """Relu and addition have no details."""


def _expect_text(reader: Reader, expected: str) -> None:
    text = reader.text()
    if text != expected:
        raise DlibFormatError(f"expected dlib's {expected}, found {text[:40]!r}")


_DETAILS: Final[dict[str, Callable[[Reader], Layer | None]]] = {
    "con_4": _read_convolution,
    "affine_": _read_affine,
    "fc_2": _read_linear,
    "max_pool_2": _read_pool,
    "avg_pool_2": _read_pool,
    "relu_": _read_nothing,
    "add_prev_": _read_nothing,
}
