"""Measures what a call pays for its metrics, at the example of a photo that is de-identified."""

import functools
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks import command, measure
from shared import config
from shared.core import metrics
from shared.core.metrics import Metrics
from shared.metrics.emf import EmfMetrics
from shared.metrics.noop import NoopMetrics

_ROUTE = "POST /FaceDeID"
_CALLS = 1000  # timed together


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--repeats", type=int, default=20, help="timed rounds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Path("/dev/null").open("w") as nothing:
        config.export("PROMETHEUS_MULTIPROC_DIR", folder)  # read when the client is imported
        from shared.metrics.prometheus import PrometheusMetrics  # noqa: PLC0415

        adapters: dict[str, Metrics] = {
            "none": NoopMetrics(),
            "prometheus": PrometheusMetrics(Path(folder)),
            "emf": EmfMetrics(),
        }
        calls = {name: functools.partial(_count, each) for name, each in adapters.items()}
        with redirect_stdout(nothing):
            medians = measure.medians_in_turns(calls, arguments.repeats, rounds=1)
    microseconds = {name: ms * 1000 / _CALLS for name, ms in medians.items()}
    headings = ("METRICS", "microseconds a call")
    title = "five metrics, and the end of the call"
    table = command.table(title, headings, microseconds.items(), digits=1)
    command.report(arguments.output, microseconds, table)


def _count(adapter: Metrics) -> None:
    for _ in range(_CALLS):
        with adapter.invocation():
            adapter.observe(metrics.DETECTION_DURATION, 0.031)
            adapter.observe(metrics.FACES_FOUND, 2)
            adapter.count(metrics.FACES_HIDDEN, 2, method="veil")
            adapter.count(metrics.CALLS, route=_ROUTE, outcome="ok")
            adapter.observe(metrics.CALL_DURATION, 0.058, route=_ROUTE)


if __name__ == "__main__":
    main()
