"""Metrics for Prometheus, which asks for them (`/metrics`).

Source: "Exposition formats" of the Prometheus documentation; "Multiprocess Mode" of its client.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from shared.core.metrics import CATALOGUE, Counter, Histogram

_NAMESPACE = "face_functions"

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # nor are there with several processes


class PrometheusMetrics:
    """Implements `Metrics`: keeps sums since the start, of one process or of several.

    There are no gauges, so the numbers of a process that has ended stay true, and count on.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder through which the processes of a server share their numbers, if any.

        It is that of the environment variable PROMETHEUS_MULTIPROC_DIR: the client reads it when it
        is first imported.
        """
        self._folder = folder
        self._own = CollectorRegistry()
        self._counters = {
            metric.name: prometheus_client.Counter(
                metric.name, metric.help, metric.labels, namespace=_NAMESPACE, registry=self._own
            )
            for metric in CATALOGUE
            if isinstance(metric, Counter)
        }
        self._histograms = {
            metric.name: prometheus_client.Histogram(
                metric.name, metric.help, metric.labels, namespace=_NAMESPACE, registry=self._own,
                buckets=metric.buckets,
            )
            for metric in CATALOGUE
            if isinstance(metric, Histogram)
        }  # fmt: skip
        self._invocation: AbstractContextManager[None] = nullcontext()

    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        """Add to a counter."""
        counter = self._counters[metric.name]
        (counter.labels(**labels) if metric.labels or labels else counter).inc(value)

    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        """Add a value to a histogram."""
        histogram = self._histograms[metric.name]
        (histogram.labels(**labels) if metric.labels or labels else histogram).observe(value)

    def invocation(self) -> AbstractContextManager[None]:
        """Do nothing at the end of the block: Prometheus asks when it wants to know."""
        return self._invocation

    def exposition(self) -> bytes:
        """Return the sums over all processes, as text in UTF-8."""
        registry = self._own
        if self._folder is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        return prometheus_client.generate_latest(registry)
