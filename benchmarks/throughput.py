"""Measures images and faces a second by batch size, on the device that is in use.

Needs the prepared models (`make models`). EXECUTION_PROVIDER and VISION_THREADS choose the device.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks import measure
from shared.vision.session import Session
from shared.vision.weights import Role
from tests import builders

_BATCHES = {"cpu": (1, 4, 16), "cuda": (1, 4, 16, 64, 256)}
# What each model takes: its name here, and the shape and type of one item.
_TAKEN: dict[Role, tuple[str, tuple[int, ...], type]] = {
    "detector": ("images", (3, 480, 640), np.uint8),
    "face_mesh": ("faces judged", (3, 192, 192), np.uint8),
    "embedder": ("faces embedded", (3, 112, 112), np.float32),
}


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), EXECUTION_PROVIDER=arguments.provider)
        sessions = {role: app.open_session(name) for role, name in app.catalogue.use.items()}
    device = sessions["detector"].device
    batches = _BATCHES[device]
    table = Table(
        "a second",
        *(f"batch {n}" for n in batches),
        title=f"images of 640x480 and faces, on {device}",
    )
    rows = {
        name: [_rate(sessions[role], (n, *shape), kind, arguments.repeats) for n in batches]
        for role, (name, shape, kind) in _TAKEN.items()
    }
    for what, rates in rows.items():
        table.add_row(what, *(f"{rate:.0f}" for rate in rates))
    measure.show(table)
    measure.write({"device": device, "batches": batches, **rows}, arguments.output)


def _rate(session: Session, shape: tuple[int, ...], kind: type, repeats: int) -> float:
    values = np.random.default_rng(5).integers(0, 256, shape)
    batch: NDArray[Any] = values.astype(kind)
    ms = measure.median_ms(lambda: session.run(None, {session.input: batch}), repeats)
    return shape[0] / ms * 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--provider", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls (default 7)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "throughput.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
