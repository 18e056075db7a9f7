"""Measures what a call pays for its counts: those of a photo that is de-identified."""

import argparse
import functools
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from rich.table import Table

from benchmarks import measure
from shared import config
from shared.core import metrics
from shared.core.metrics import Metrics
from shared.metrics.emf import EmfMetrics
from shared.metrics.noop import NoopMetrics

_ROUTE = "POST /FaceDeID"
_CALLS = 1000  # timed at once


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, Path("/dev/null").open("w") as nothing:
        config.export("PROMETHEUS_MULTIPROC_DIR", folder)  # read when the client is imported
        from shared.metrics.prometheus import PrometheusMetrics  # noqa: PLC0415

        ways: dict[str, Metrics] = {
            "none": NoopMetrics(),
            "prometheus": PrometheusMetrics(Path(folder)),
            "emf": EmfMetrics(),
        }
        with redirect_stdout(nothing):
            medians = {
                way: measure.median_ms(functools.partial(_count, counts), arguments.repeats)
                for way, counts in ways.items()
            }
    microseconds = {way: ms * 1000 / _CALLS for way, ms in medians.items()}
    table = Table("METRICS", "microseconds a call", title="five counts, and the end of the call")
    for way, each in microseconds.items():
        table.add_row(way, f"{each:.1f}")
    measure.show(table)
    measure.write(microseconds, arguments.output)


def _count(counts: Metrics) -> None:
    for _ in range(_CALLS):
        with counts.invocation():
            counts.observe(metrics.DETECTION_DURATION, 0.031)
            counts.observe(metrics.FACES_FOUND, 2)
            counts.count(metrics.FACES_HIDDEN, 2, method="veil")
            counts.count(metrics.CALLS, route=_ROUTE, outcome="ok")
            counts.observe(metrics.CALL_DURATION, 0.058, route=_ROUTE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.counting",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=20, help="timed rounds (default 20)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "counting.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
