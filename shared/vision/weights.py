"""The model files: what each is (`models.toml`), and its bytes, verified before they are used."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).with_name("models.toml")


class WeightsError(Exception):
    """A model file is missing or is not the one in the catalogue; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One row of `models.toml`: a prepared model file.

    Attributes:
        name: what the code calls it.
        file: its name in the folder of the models.
        sha256: the digest of the prepared file.
        version: what callers are told, where they are (an embedder's `modelVersion`).
        licence: of the weights.
        origin: where the weights were published.
    """

    name: str
    file: str
    sha256: str
    version: str
    licence: str
    origin: str


@cache
def table() -> dict[str, Any]:
    """Return `models.toml` as it is."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


@cache
def catalogue() -> dict[str, Weights]:
    """Return every prepared model file by name."""
    rows = table()["model"]
    fields = Weights.__dataclass_fields__
    return {
        name: Weights(name=name, **{key: row[key] for key in fields if key != "name"})
        for name, row in rows.items()
    }


def by_version(version: str) -> Weights:
    """Return the model of a version.

    Raises:
        WeightsError: there is none in the catalogue.
    """
    for weights in catalogue().values():
        if weights.version == version:
            return weights
    raise WeightsError(f"no model of version {version!r} is in {CATALOGUE.name}")


def check_present(models_dir: Path) -> None:
    """See that every model file is there, without reading any.

    Raises:
        WeightsError: one is missing.
    """
    for weights in catalogue().values():
        if not (models_dir / weights.file).is_file():
            raise _missing(models_dir / weights.file)


def load(name: str, models_dir: Path) -> bytes:
    """Return the bytes of a model file after checking its digest.

    Raises:
        WeightsError: the file is missing, or its digest differs from the catalogue's.
    """
    weights = catalogue()[name]
    path = models_dir / weights.file
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        raise WeightsError(f"{path} is not the file that models.toml names: run `make models`")
    return data


def _missing(path: Path) -> WeightsError:
    return WeightsError(f"{path} is missing: run `make models`")
