"""The folder of the prepared models: what is in it, and how a file gets there."""

import hashlib
import os
from enum import StrEnum
from pathlib import Path

from shared.vision.weights import Weights


class State(StrEnum):
    """What is known of a prepared file."""

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
    """Write a file as a whole or not at all, whoever reads or writes it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
