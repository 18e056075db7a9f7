"""The catalogue of model files (`models.toml`), and their content, verified before it is used."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from shared.core.errors import UnknownModelError

PUBLISHED = Path(__file__).with_name("models.toml")
"""The catalogue that is part of the product."""

Role = Literal["detector", "face_mesh", "embedder"]

_WHAT_TO_DO = "run `make models`, or `face-functions-models fetch` if you installed with pip"


class WeightsError(Exception):
    """A model file is missing or has another digest than in the catalogue."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """The input and output of an embedder; `models.toml` explains the fields.

    Attributes:
        dimensions: of its vectors.
        side: of its square input, in pixels.
        channels: their order, `rgb` or `bgr`.
        mean: is subtracted from each value 0..255.
        scale: multiplies the difference.
        template: x, y of the five landmarks in the input, in pixels.
        knots: maps cosines to similarities; see `recognition.similarity.Calibration`.
    """

    dimensions: int
    side: int
    channels: Literal["rgb", "bgr"]
    mean: float
    scale: float
    template: tuple[tuple[float, float], ...]
    knots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """One row of `models.toml`: a prepared model file.

    Attributes:
        name: identifies the row.
        file: the file's name in the models folder.
        sha256: the digest of the prepared file.
        version: the model version that responses name.
        licence: of the weights.
        origin: the address where the weights were published.
        embedder: input and output, if the model is an embedder.
    """

    name: str
    file: str
    sha256: str
    version: str
    licence: str
    origin: str
    embedder: EmbedderSpec | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models of a deployment.

    Attributes:
        models: by name.
        use: the name of the model that runs, by role.
    """

    models: Mapping[str, Weights]
    use: Mapping[Role, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file in the format of `models.toml`.

        Raises:
            WeightsError: the file does not have this format.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            models = {name: _read_row(name, row) for name, row in table["model"].items()}
            return cls(models, table["use"])
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path} cannot be read: {error!r}") from None

    def used(self, role: Role) -> Weights:
        """Return the model that runs in a role."""
        return self.models[self.use[role]]

    def embedder(self, version: str) -> tuple[Weights, EmbedderSpec]:
        """Return the embedder of a model version.

        Raises:
            UnknownModelError: the catalogue does not have such an embedder.
        """
        for weights in self.models.values():
            if weights.version == version and weights.embedder:
                return weights, weights.embedder
        raise UnknownModelError(version)

    def check_present(self, models_dir: Path) -> None:
        """Check that every model file exists, without reading any.

        Raises:
            WeightsError: a file is missing.
        """
        for weights in self.models.values():
            _existing_path(weights, models_dir)

    def load(self, name: str, models_dir: Path) -> bytes:
        """Return the content of a model file after checking its digest.

        Raises:
            WeightsError: the file is missing, or its digest is not the catalogue's.
        """
        weights = self.models[name]
        path = _existing_path(weights, models_dir)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != weights.sha256:
            raise WeightsError(f"{path} is not the file that models.toml names: {_WHAT_TO_DO}")
        return data


@cache
def published() -> Catalogue:
    """Return the catalogue that is part of the product."""
    return Catalogue.read(PUBLISHED)


def _read_row(name: str, row: Mapping[str, Any]) -> Weights:
    fields = ("file", "sha256", "version", "licence", "origin")
    embedder = _read_embedder(row["embedder"]) if "embedder" in row else None
    return Weights(name, **{field: row[field] for field in fields}, embedder=embedder)


def _read_embedder(row: Mapping[str, Any]) -> EmbedderSpec:
    fields = ("dimensions", "side", "channels", "mean", "scale")
    return EmbedderSpec(
        **{field: row[field] for field in fields},
        template=tuple((float(x), float(y)) for x, y in row["template"]),
        knots=tuple((float(cosine), float(value)) for cosine, value in row["knots"]),
    )


def _existing_path(weights: Weights, models_dir: Path) -> Path:
    path = models_dir / weights.file
    if not path.is_file():
        raise WeightsError(f"{path} is missing: {_WHAT_TO_DO}")
    return path
