"""A network like dlib's with numbers of its own: as a file, and computed by the definition."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tests.tools.models import dlib_writer as written

Floats = NDArray[np.float64]
Block = tuple[int, int, int]

MEAN = (122.0, 117.5, 104.25)
# Channels in and out, and the stride, of each block behind the first convolution.
BLOCKS: list[Block] = [
    *[(32, 32, 1)] * 3,
    *[(32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 64, 1)],
    *[(64, 128, 2), (128, 128, 1), (128, 128, 1)],
    *[(128, 256, 2), (256, 256, 1), (256, 256, 1), (256, 256, 2)],
]


@dataclass(frozen=True)
class Stage:
    """A convolution and the affine layer behind it."""

    filters: NDArray[np.float32]
    biases: NDArray[np.float32]
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]
    stride: int
    padding: int


class RandomNetwork:
    """The architecture of dlib's recognition network, filled from a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.stages = [self._stage(3, 32, 7, 2)]
        for inputs, outputs, stride in BLOCKS:
            self.stages.append(self._stage(inputs, outputs, 3, stride))
            self.stages.append(self._stage(outputs, outputs, 3, 1))
        self.projection = self._normal((256, 128), 1 / 16)

    def _stage(self, inputs: int, outputs: int, window: int, stride: int) -> Stage:
        return Stage(
            filters=self._normal((outputs, inputs, window, window), 1 / (window * inputs**0.5)),
            biases=self._normal((outputs,), 0.1),
            gamma=self._rng.uniform(0.5, 1.2, outputs).astype(np.float32),
            beta=self._normal((outputs,), 0.1),
            stride=stride,
            padding=window // 2 if stride == 1 else 0,
        )

    def _normal(self, shape: tuple[int, ...], scale: float) -> NDArray[np.float32]:
        return self._rng.normal(0, scale, shape).astype(np.float32)

    def file(self) -> bytes:
        """Return the bytes that dlib would write."""
        layers = self._layers()
        first, *others = layers
        versions = [1 if layer is None else 2 for layer in reversed(others)]
        return b"".join(
            [
                written.integer(1),
                written.text("loss_metric_2"),
                written.floats([0.04, 0.6]),
                written.shape(versions),
                written.integer(3),
                written.text("input_rgb_image_sized"),
                written.floats(MEAN),
                written.shape([150, 150]),
                first or b"",
                written.integer(1),
                *(layer for layer in others if layer is not None),
            ]
        )

    def _layers(self) -> list[bytes | None]:
        """Return the layers from the input on; None for a tag or a skip."""
        relu = layer("relu_")
        pool = layer("avg_pool_2", written.shape([2, 2, 2, 2, 0, 0]))
        stem, *others = self.stages
        layers: list[bytes | None] = [
            *convolution(stem),
            relu,
            layer("max_pool_2", written.shape([3, 3, 2, 2, 0, 0])),
        ]
        for inner, outer in zip(others[::2], others[1::2], strict=True):
            shortcut = [None, None, pool] if inner.stride == 2 else []
            layers += [None, *convolution(inner), relu, *convolution(outer), *shortcut]
            layers += [layer("add_prev_"), relu]
        layers.append(layer("avg_pool_2", written.shape([0, 0, 1, 1, 0, 0])))
        return [*layers, linear(self.projection)]

    def run(self, pixels: Floats) -> Floats:
        """Return the vector of a chip of shape (3, 150, 150) the way dlib defines it."""
        mean = np.array(MEAN)[:, np.newaxis, np.newaxis]
        stem, *others = self.stages
        maps = np.maximum(apply((pixels - mean) / 256, stem), 0)
        maps = windows(maps, 3, 2).max(axis=(3, 4))
        for inner, outer in zip(others[::2], others[1::2], strict=True):
            residual = apply(np.maximum(apply(maps, inner), 0), outer)
            shortcut = windows(maps, 2, 2).mean(axis=(3, 4)) if inner.stride == 2 else maps
            maps = np.maximum(add(residual, shortcut), 0)
        vector: Floats = maps.mean(axis=(1, 2)) @ self.projection.astype(np.float64)
        return vector


def apply(maps: Floats, stage: Stage) -> Floats:
    padding = stage.padding
    padded = np.pad(maps, ((0, 0), (padding, padding), (padding, padding)))
    found = windows(padded, stage.filters.shape[2], stage.stride)
    filters = stage.filters.astype(np.float64)
    convolved = np.tensordot(filters, found, axes=((1, 2, 3), (0, 3, 4)))
    gamma, biases, beta = (
        each.astype(np.float64)[:, np.newaxis, np.newaxis]
        for each in (stage.gamma, stage.biases, stage.beta)
    )
    total: Floats = (convolved + biases) * gamma + beta
    return total


def windows(maps: Floats, side: int, stride: int) -> Floats:
    """Return all windows, shape (channels, rows, columns, side, side)."""
    return sliding_window_view(maps, (side, side), axis=(1, 2))[:, ::stride, ::stride]


def add(one: Floats, other: Floats) -> Floats:
    """Add maps that begin at the same corner; where one has ended, it counts as 0."""
    total = np.zeros(np.maximum(one.shape, other.shape))
    for maps in (one, other):
        channels, rows, columns = maps.shape
        total[:channels, :rows, :columns] += maps
    return total


def layer(kind: str, details: bytes = b"") -> bytes:
    empty = written.tensor(np.zeros(0, np.float32), (0, 0, 0, 0))
    return written.text(kind) + details + b"110" + 3 * empty


def convolution(stage: Stage) -> list[bytes]:
    outputs, _, rows, columns = stage.filters.shape
    params = np.concatenate([stage.filters.ravel(), stage.biases])
    details = [
        written.tensor(params, (params.size, 1, 1, 1)),
        written.shape([outputs, rows, columns, *[stage.stride] * 2, *[stage.padding] * 2]),
        written.alias_tensor(*stage.filters.shape),
        written.alias_tensor(1, outputs, 1, 1),
        written.floats([1, 1, 1, 0]),
    ]
    return [layer("con_4", b"".join(details)), affine(stage)]


def affine(stage: Stage) -> bytes:
    params = np.concatenate([stage.gamma, stage.beta])
    alias = written.alias_tensor(1, stage.gamma.size, 1, 1)
    details = [written.tensor(params, (params.size, 1, 1, 1)), alias, alias, written.integer(0)]
    return layer("affine_", b"".join(details))


def linear(weights: NDArray[np.float32]) -> bytes:
    inputs, outputs = weights.shape
    details = [
        written.shape([outputs, inputs]),
        written.tensor(weights, (inputs, outputs, 1, 1)),
        written.alias_tensor(inputs, outputs, 1, 1),
        written.alias_tensor(0, 0, 0, 0),
        written.integer(1),
        written.floats([1, 1, 1, 0]),
    ]
    return layer("fc_2", b"".join(details))
