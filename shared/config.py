"""Settings: every environment variable that this product reads, in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

ROOT = Path(__file__).resolve().parent.parent

Backend = Literal["local", "aws"]
Provider = Literal["auto", "cpu", "cuda"]
Precision = Literal["fp32", "int8"]


class SettingError(Exception):
    """A setting is missing or cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may choose: each field is the environment variable of its name in capitals.

    Attributes:
        backend: where state lives: `local` (SQLite and files under `data_dir`) or `aws`.
        data_dir: the folder of the local backend.
        models_dir: the folder of the prepared models (`make models`).
        execution_provider: `auto` takes the GPU where there is one; `cuda` fails without one.
        vision_threads: threads of one inference, 0 for one a core.
        embedder_precision: which variant of the embedder runs.
        max_body_bytes: larger request bodies are refused.
        max_pixels: images with more pixels are refused before they are decoded.
        analysis_timeout_s: an analysis that takes longer is given up.
        key_secret: keys the hashes of API keys; the local backend makes and keeps one of its own.
        keys_table: DynamoDB table of the API keys, with `backend` aws.
        log_level: of the JSON lines on standard error.

    """

    backend: Backend
    data_dir: Path
    models_dir: Path
    execution_provider: Provider
    vision_threads: int
    embedder_precision: Precision
    max_body_bytes: int
    max_pixels: int
    analysis_timeout_s: float
    key_secret: str
    keys_table: str
    log_level: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            SettingError: a value cannot be read, or one that the backend needs is missing.

        """
        read = _Reader(os.environ if environ is None else environ)
        settings = cls(
            backend=read.choice("BACKEND", "local", get_args(Backend)),  # type: ignore[arg-type]
            data_dir=read.path("DATA_DIR", ".data"),
            models_dir=read.path("MODELS_DIR", ".models"),
            execution_provider=read.choice(  # type: ignore[arg-type]
                "EXECUTION_PROVIDER", "auto", get_args(Provider)
            ),
            vision_threads=read.integer("VISION_THREADS", 0, low=0, high=256),
            embedder_precision=read.choice(  # type: ignore[arg-type]
                "EMBEDDER_PRECISION", "fp32", get_args(Precision)
            ),
            max_body_bytes=read.integer("MAX_BODY_BYTES", 10 * 1024 * 1024, low=1024),
            max_pixels=read.integer("MAX_PIXELS", 50_000_000, low=1),
            analysis_timeout_s=read.number("ANALYSIS_TIMEOUT_S", 60.0),
            key_secret=read.text("KEY_SECRET"),
            keys_table=read.text("KEYS_TABLE"),
            log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        )
        if settings.backend == "aws":
            read.require("KEY_SECRET", "KEYS_TABLE")
        return settings


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What the local runner may choose, besides `Settings`.

    Attributes:
        host: the address to listen on.
        port: the port to listen on.
        local_key: an API key that only the local runner takes; empty for none.
        workers: processes of `serve`.
        threads: threads in each process of `serve`.

    """

    host: str
    port: int
    local_key: str | None
    workers: int
    threads: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "RunnerSettings":
        """Read the settings.

        Raises:
            SettingError: a value cannot be read.

        """
        read = _Reader(os.environ if environ is None else environ)
        return cls(
            host=read.text("HOST", "127.0.0.1"),
            port=read.integer("PORT", 3000, low=0, high=65535),
            local_key=read.optional("LOCAL_KEY"),
            workers=read.integer("WORKERS", 2, low=1, high=256),
            threads=read.integer("THREADS", 4, low=1, high=256),
        )


class _Reader:
    """Reads typed values out of an environment; an empty value counts as none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def optional(self, name: str) -> str | None:
        return self._environ.get(name)

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name) or default

    def path(self, name: str, default: str) -> Path:
        """Return an absolute path; a relative one is taken from the project's folder."""
        return ROOT / Path(self.text(name, default)).expanduser()

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise SettingError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def integer(self, name: str, default: int, *, low: int, high: int | None = None) -> int:
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise SettingError(f"{name} must be a whole number, not {text!r}") from None
        if value < low or (high is not None and value > high):
            span = f"at least {low}" if high is None else f"from {low} to {high}"
            raise SettingError(f"{name} must be {span}, not {value}")
        return value

    def number(self, name: str, default: float) -> float:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            raise SettingError(f"{name} must be a number, not {text!r}") from None
        if not 0 < value < float("inf"):
            raise SettingError(f"{name} must be more than 0, not {text}")
        return value

    def require(self, *names: str) -> None:
        missing = [name for name in names if not self._environ.get(name)]
        if missing:
            raise SettingError(f"{', '.join(missing)} must be set with BACKEND=aws")
