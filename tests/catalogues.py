"""Catalogues of models other than the published one."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from shared.vision import weights
from shared.vision.weights import Catalogue

SMALL_VERSION = "small-1"
SMALL_DIMENSIONS, _SIDE, _CELL = 32, 64, 4
_SEED = 11
_ROW = """
[model.small]
file = "small.onnx"
sha256 = "{sha256}"
version = "{version}"
licence = "MIT"
origin = "the tests"

[model.small.embedder]
dimensions = {dimensions}
side = {side}
channels = "bgr"
mean = 127.5
scale = 0.0078125
template = [[22.0, 24.0], [42.0, 24.0], [32.0, 35.0], [24.0, 46.0], [40.0, 46.0]]
knots = [[-1.0, 0.0], [0.25, 30.0], [0.75, 80.0], [1.0, 100.0]]
"""


def renewed(catalogue: Catalogue) -> Catalogue:
    """Return a catalogue in which another version has replaced the embedder."""
    name = catalogue.use["embedder"]
    embedder = replace(catalogue.models[name], version="renewed")
    return replace(catalogue, models={**catalogue.models, name: embedder})


def with_small_embedder(models_dir: Path, folder: Path) -> Catalogue:
    """Return the published catalogue with one more embedder, which is the one in use.

    Args:
        models_dir: where the published models are.
        folder: takes links to them, the small embedder and the catalogue.
    """
    for model in weights.published().models.values():
        (folder / model.file).symlink_to(models_dir / model.file)
    network = _small_embedder().SerializeToString()
    (folder / "small.onnx").write_bytes(network)
    published = weights.PUBLISHED.read_text(encoding="utf-8")
    catalogue, count = re.subn(r"(?m)^embedder = .+$", 'embedder = "small"', published)
    assert count == 1
    row = _ROW.format(
        sha256=hashlib.sha256(network).hexdigest(),
        version=SMALL_VERSION,
        dimensions=SMALL_DIMENSIONS,
        side=_SIDE,
    )
    path = folder / "models.toml"
    path.write_text(catalogue + row, encoding="utf-8")
    return Catalogue.read(path)


def _small_embedder() -> onnx.ModelProto:
    """Return a network that averages a chip in cells, and mixes these at random."""
    cells = 3 * (_SIDE // _CELL) ** 2
    mixing = np.random.default_rng(_SEED).normal(size=(cells, SMALL_DIMENSIONS))
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool",
                ["faces"],
                ["cells"],
                kernel_shape=[_CELL, _CELL],
                strides=[_CELL, _CELL],
            ),
            helper.make_node("Flatten", ["cells"], ["flat"]),
            helper.make_node("MatMul", ["flat", "mixing"], ["embeddings"]),
        ],
        "small",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["N", 3, _SIDE, _SIDE])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["N", SMALL_DIMENSIONS])],
        [numpy_helper.from_array(mixing.astype(np.float32), "mixing")],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
