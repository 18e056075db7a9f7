"""Measures images and faces a second by batch size, on the device that is in use.

Needs the prepared models (`make models`). EXECUTION_PROVIDER and VISION_THREADS choose the device.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks import measure
from shared.vision.session import Session
from tests import builders

_BATCHES = {"cpu": (1, 4, 16), "cuda": (1, 4, 16, 64, 256)}
_DETECTOR_SHAPE = (3, 480, 640)
_CHIP_SHAPE = (3, 150, 150)


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), EXECUTION_PROVIDER=arguments.provider)
        sessions = {
            "images, fp32": (app.open_session("centerface"), "images", _DETECTOR_SHAPE),
            "images, int8": (app.open_session("centerface-int8"), "images", _DETECTOR_SHAPE),
            "faces, fp32": (app.open_session("dlib-resnet-fp32"), "chips", _CHIP_SHAPE),
            "faces, int8": (app.open_session("dlib-resnet-int8"), "chips", _CHIP_SHAPE),
        }
    device = next(iter(sessions.values()))[0].device
    batches = _BATCHES[device]
    table = Table(
        "a second",
        *(f"batch {n}" for n in batches),
        title=f"images of 640x480 and faces, on {device}",
    )
    rows = {
        what: [_rate(session, name, (n, *shape), arguments.repeats) for n in batches]
        for what, (session, name, shape) in sessions.items()
    }
    for what, rates in rows.items():
        table.add_row(what, *(f"{rate:.0f}" for rate in rates))
    measure.show(table)
    measure.write({"device": device, "batches": batches, **rows}, arguments.output)


def _rate(session: Session, name: str, shape: tuple[int, ...], repeats: int) -> float:
    batch = np.random.default_rng(5).uniform(0, 255, shape).astype(np.float32)
    ms = measure.median_ms(lambda: session.run(None, {name: batch}), repeats)
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
