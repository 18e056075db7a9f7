"""The model files: what each is (`models.toml`), and its bytes, verified before they are used."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from shared.core.errors import UnknownModelError

PUBLISHED = Path(__file__).with_name("models.toml")
"""The catalogue that comes with the product."""

Role = Literal["detector", "face_mesh", "embedder"]

_WHAT_TO_DO = "run `make models`, or `face-functions-models fetch` if you installed with pip"


class WeightsError(Exception):
    """A model file is missing or is not the one in the catalogue; the message says what to do."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What an embedder takes and gives; `models.toml` explains the fields.

    Attributes:
        dimensions: of its vectors.
        side: of its square chips, in pixels.
        channels: their order, `rgb` or `bgr`.
        mean: what is taken off each value 0..255.
        scale: what the rest is multiplied by.
        template: where the five points of a face lie in the chip.
        knots: what the cosine of two vectors means; see `recognition.similarity.Calibration`.
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
        name: what the code calls it.
        file: its name in the folder of the models.
        sha256: the digest of the prepared file.
        version: what callers are told, where they are (an embedder's `modelVersion`).
        licence: of the weights.
        origin: where the weights were published.
        embedder: what it takes and gives, if it is an embedder.
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
        use: the name of the model that runs, by what it does.
    """

    models: Mapping[str, Weights]
    use: Mapping[Role, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file laid out as `models.toml`.

        Raises:
            WeightsError: it is not laid out so.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            models = {name: _read_row(name, row) for name, row in table["model"].items()}
            return cls(models, table["use"])
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path} cannot be read: {error!r}") from None

    def used(self, role: Role) -> Weights:
        """Return the model that does something in this deployment."""
        return self.models[self.use[role]]

    def embedder(self, version: str) -> tuple[Weights, EmbedderSpec]:
        """Return the embedder of a version.

        Raises:
            UnknownModelError: the catalogue has no embedder of this version.
        """
        for weights in self.models.values():
            if weights.version == version and weights.embedder:
                return weights, weights.embedder
        raise UnknownModelError(version)

    def check_present(self, models_dir: Path) -> None:
        """See that every model file is there, without reading any.

        Raises:
            WeightsError: one is missing.
        """
        for weights in self.models.values():
            if not (models_dir / weights.file).is_file():
                raise _missing(models_dir / weights.file)

    def load(self, name: str, models_dir: Path) -> bytes:
        """Return the bytes of a model file after checking its digest.

        Raises:
            WeightsError: the file is missing, or its digest differs from the catalogue's.
        """
        weights = self.models[name]
        path = models_dir / weights.file
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise _missing(path) from None
        if hashlib.sha256(data).hexdigest() != weights.sha256:
            raise WeightsError(f"{path} is not the file that models.toml names: {_WHAT_TO_DO}")
        return data


@cache
def published() -> Catalogue:
    """Return the catalogue that comes with the product."""
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


def _missing(path: Path) -> WeightsError:
    return WeightsError(f"{path} is missing: {_WHAT_TO_DO}")
