"""Measures images and faces a second by batch size, on the device in use.

Needs the prepared models (`make models`). `--provider` and VISION_THREADS choose the device.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, measure
from harness import builders
from shared.vision.session import Session
from shared.vision.weights import Role

_BATCHES = {"cpu": (1, 4, 16), "cuda": (1, 4, 16, 64, 256)}
# The input of each model: its name here, and the shape and type of one item.
_INPUTS: dict[Role, tuple[str, tuple[int, ...], type]] = {
    "detector": ("images", (3, 480, 640), np.uint8),
    "face_mesh": ("faces judged", (3, 192, 192), np.uint8),
    "embedder": ("faces embedded", (3, 112, 112), np.float32),
}


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument(
        "--provider", choices=("auto", "cpu", "cuda"), default="auto", help="device"
    )
    parser.add_argument("--repeats", type=int, default=7, help="timed calls")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), EXECUTION_PROVIDER=arguments.provider, VISION_THREADS="0")
        sessions = {role: app.open_session(name) for role, name in app.catalogue.use.items()}
    device = sessions["detector"].device
    batches = _BATCHES[device]
    rates = {
        name: [_rate(sessions[role], (n, *shape), kind, arguments.repeats) for n in batches]
        for role, (name, shape, kind) in _INPUTS.items()
    }
    headings = ("a second", *(f"batch {n}" for n in batches))
    rows = [(name, *each) for name, each in rates.items()]
    title = f"images of 640x480 and faces, on {device}"
    table = command.table(title, headings, rows, digits=0)
    command.report(arguments.output, {"device": device, "batches": batches, **rates}, table)


def _rate(session: Session, shape: tuple[int, ...], kind: type, repeats: int) -> float:
    batch: NDArray[Any] = np.random.default_rng(5).integers(0, 256, shape).astype(kind)
    ms = measure.median_ms(lambda: session.run(None, {session.input: batch}), repeats)
    return shape[0] / ms * 1000


if __name__ == "__main__":
    main()
