"""Writes dlib's recognition network as an ONNX graph.

Source: `examples/dnn_face_recognition_ex.cpp` of dlib 19: a ResNet of 29 convolutions, after He et
al., "Deep Residual Learning for Image Recognition", CVPR 2016.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from tools.models.dlib_resnet import Affine, Convolution, Linear, Network
from tools.models.graph import Graph

CHIP_SIDE = 150
_PIXEL_DIVISOR = 256


@dataclass(frozen=True, slots=True)
class _Maps:
    """A value of the graph: square feature maps."""

    name: str
    channels: int
    side: int


def build(network: Network) -> onnx.ModelProto:
    """Return the network as ONNX, float32.

    Its input `chips` (N, 3, 150, 150) holds RGB values 0..255; its output `vectors` (N, 128) is not
    normalised. dlib's scaling of pixels and its affine layers are folded into the convolutions.
    """
    first, *others = _fold(network)
    graph = Graph()
    maps = _convolve(graph, _Maps("chips", 3, CHIP_SIDE), _on_pixels(first, network.mean), "stem")
    maps = _pool(graph, _rectify(graph, maps), "stem.pooled")
    pairs = zip(others[::2], others[1::2], strict=True)
    for number, (inner, outer) in enumerate(pairs, start=1):
        maps = _append_block(graph, maps, inner, outer, f"block{number}")
    _project(graph, maps, network)
    return graph.model(
        "dlib-resnet",
        {"chips": ("N", 3, CHIP_SIDE, CHIP_SIDE)},
        {"vectors": ("N", 128)},
    )


def _fold(network: Network) -> list[Convolution]:
    """Return the convolutions, each with the affine layer behind it taken in."""
    convolutions = [layer for layer in network.layers if isinstance(layer, Convolution)]
    affines = [layer for layer in network.layers if isinstance(layer, Affine)]
    return [
        replace(
            convolution,
            filters=convolution.filters * affine.gamma[:, np.newaxis, np.newaxis, np.newaxis],
            biases=convolution.biases * affine.gamma + affine.beta,
        )
        for convolution, affine in zip(convolutions, affines, strict=True)
    ]


def _on_pixels(convolution: Convolution, mean: NDArray[np.float64]) -> Convolution:
    """Return the first convolution as it must be to take pixels: dlib gives it (x - mean) / 256."""
    filters = convolution.filters / np.float32(_PIXEL_DIVISOR)
    # fsum rounds once, whatever the order: the file is the same on every machine.
    shifts = [math.fsum((each * mean[:, np.newaxis, np.newaxis]).flat) for each in filters]
    biases = (convolution.biases - np.array(shifts)).astype(np.float32)
    return replace(convolution, filters=filters, biases=biases)


def _append_block(
    graph: Graph, maps: _Maps, inner: Convolution, outer: Convolution, name: str
) -> _Maps:
    """Append two convolutions and the shortcut around them."""
    hidden = _rectify(graph, _convolve(graph, maps, inner, f"{name}.inner"))
    residual = _convolve(graph, hidden, outer, f"{name}.outer")
    shortcut = maps
    if inner.stride > 1:
        shortcut = _halve(graph, maps, residual.channels, f"{name}.shortcut")
        residual = _enlarge(graph, residual, shortcut.side, f"{name}.enlarged")
    graph.node("Add", [shortcut.name, residual.name], f"{name}.sum")
    return _rectify(graph, replace(residual, name=f"{name}.sum"))


def _convolve(graph: Graph, maps: _Maps, convolution: Convolution, name: str) -> _Maps:
    window = convolution.filters.shape[2]
    graph.node(
        "Conv",
        [
            maps.name,
            graph.constant(f"{name}.filters", convolution.filters),
            graph.constant(f"{name}.biases", convolution.biases),
        ],
        name,
        kernel_shape=[window] * 2,
        strides=[convolution.stride] * 2,
        pads=[convolution.padding] * 4,
    )
    side = (maps.side + 2 * convolution.padding - window) // convolution.stride + 1
    return _Maps(name, len(convolution.filters), side)


def _rectify(graph: Graph, maps: _Maps) -> _Maps:
    return replace(maps, name=graph.node("Relu", [maps.name], f"{maps.name}.relu"))


def _pool(graph: Graph, maps: _Maps, name: str) -> _Maps:
    graph.node("MaxPool", [maps.name], name, kernel_shape=[3, 3], strides=[2, 2])
    return _Maps(name, maps.channels, (maps.side - 3) // 2 + 1)


def _halve(graph: Graph, maps: _Maps, channels: int, name: str) -> _Maps:
    """Append the mean of each 2x2 window, and empty channels behind: both as one convolution."""
    filters = np.zeros((channels, maps.channels, 2, 2), np.float32)
    same = np.arange(maps.channels)
    filters[same, same] = 1 / 4
    mean = Convolution(filters, np.zeros(channels, np.float32), stride=2, padding=0)
    return _convolve(graph, maps, mean, name)


def _enlarge(graph: Graph, maps: _Maps, side: int, name: str) -> _Maps:
    """Append zeros at the bottom and on the right, as dlib adds maps of different sizes."""
    missing = side - maps.side
    if not missing:
        return maps
    pads = np.array([0, 0, 0, 0, 0, 0, missing, missing], np.int64)
    graph.node("Pad", [maps.name, graph.constant(f"{name}.pads", pads)], name)
    return replace(maps, name=name, side=side)


def _project(graph: Graph, maps: _Maps, network: Network) -> None:
    (projection,) = (layer for layer in network.layers if isinstance(layer, Linear))
    graph.node("GlobalAveragePool", [maps.name], "mean")
    graph.node("Flatten", ["mean"], "features")
    weights = graph.constant("projection", projection.weights)
    graph.node("MatMul", ["features", weights], "vectors")
