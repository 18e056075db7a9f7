"""Metrics for Prometheus, which scrapes them from `/metrics`.

Source: "Exposition formats" of the Prometheus documentation; "Multiprocess Mode" of its client.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from typing_extensions import override

from shared.core.metrics import CATALOGUE, Counter, Histogram, Metrics

_NAMESPACE = "face_functions"

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # as with several processes


class PrometheusMetrics(Metrics):
    """Implements `Metrics`: keeps sums since the start, of one process or of several.

    There are no gauges, so the numbers of a process that has ended stay valid and stay in the sums.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder in which the processes of a server share their numbers, if any.

        It must be that of the environment variable PROMETHEUS_MULTIPROC_DIR, which the client reads
        when it is first imported.
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

    @override
    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        counter = self._counters[metric.name]
        (counter.labels(**labels) if metric.labels or labels else counter).inc(value)

    @override
    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        histogram = self._histograms[metric.name]
        (histogram.labels(**labels) if metric.labels or labels else histogram).observe(value)

    @override
    def invocation(self) -> AbstractContextManager[None]:
        return self._invocation

    @override
    def exposition(self) -> bytes:
        registry = self._own
        if self._folder is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        return prometheus_client.generate_latest(registry)
