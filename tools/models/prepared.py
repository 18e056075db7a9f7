"""The folder of the prepared models: its state, and how files are written into it."""

import hashlib
import os
from enum import StrEnum
from pathlib import Path

from shared.vision.weights import Weights


class State(StrEnum):
    """The state of a prepared file, compared with the catalogue."""

    READY = "ready"
    MISSING = "missing"
    DIFFERENT = "another file"


def state_of(weights: Weights, models_dir: Path) -> State:
    """Compare a prepared file with the catalogue."""
    try:
        with (models_dir / weights.file).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return State.MISSING
    return State.READY if digest == weights.sha256 else State.DIFFERENT


def write(path: Path, data: bytes) -> None:
    """Write a file atomically: a concurrent reader sees the old or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
