"""Metrics for CloudWatch, which reads them from the log: one line of JSON for each invocation.

Source: "Specification: Embedded metric format" of the CloudWatch guide.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from shared import log
from shared.core.metrics import Counter, Histogram, Metric, Metrics

NAMESPACE = "FaceFunctions"

_MAX_VALUES = 100  # of one metric in one line, by the specification
_NO_VALUE = "-"  # a dimension may not be empty

_Series = tuple[Metric, tuple[str, ...]]  # a metric and the values of its labels, in its order
_Counts = dict[_Series, list[float]]

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Invocation:
    counts: _Counts = field(default_factory=dict)
    has_ended: bool = False


class EmfMetrics(Metrics):
    """Implements `Metrics`: writes the counts of an invocation to standard output at its end.

    Counts outside of an invocation, or in a thread that outlives it, are written at once.
    """

    def __init__(self) -> None:
        self._invocation: ContextVar[_Invocation | None] = ContextVar("invocation", default=None)
        self._lock = threading.Lock()

    @override
    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        series, invocation = _series(metric, labels), self._invocation.get()
        with self._lock:
            if invocation is not None and not invocation.has_ended:
                invocation.counts.setdefault(series, [0])[0] += value
                return
        self._write({series: [value]})

    @override
    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        series, invocation = _series(metric, labels), self._invocation.get()
        with self._lock:
            if invocation is not None and not invocation.has_ended:
                invocation.counts.setdefault(series, []).append(value)
                return
        self._write({series: [value]})

    @override
    @contextmanager
    def invocation(self) -> Iterator[None]:
        invocation = _Invocation()
        reset = self._invocation.set(invocation)
        try:
            yield
        finally:
            self._invocation.reset(reset)
            with self._lock:
                invocation.has_ended = True
            self._write(invocation.counts)

    @override
    def exposition(self) -> None:
        pass

    def _write(self, counts: _Counts) -> None:
        lines = [json.dumps(document) + "\n" for document in documents(counts)]
        try:
            with self._lock:  # a line is written whole
                sys.stdout.writelines(lines)
                sys.stdout.flush()
        except OSError:  # the caller has their answer; only a count is lost
            _logger.exception("metrics could not be written")


def documents(counts: Mapping[_Series, Sequence[float]]) -> list[dict[str, Any]]:
    """Return the counts, in as few documents as possible.

    A document has one value for each label, and up to 100 for each metric. So two outcomes of one
    trigger need two documents, for example.
    """
    begun: list[_Document] = []
    for (metric, label_values), values in counts.items():
        labels = dict(zip(metric.labels, label_values, strict=True))
        for start in range(0, len(values), _MAX_VALUES):
            document = next((d for d in begun if d.takes(metric, labels)), None)
            if document is None:
                document = _Document()
                begun.append(document)
            document.add(metric, labels, values[start : start + _MAX_VALUES])
    identity, now_ms = log.identity(), int(time.time() * 1000)
    return [{**identity, **document.finish(now_ms)} for document in begun]


class _Document:
    """A log line under construction."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._values: dict[str, float | list[float]] = {}
        self._definitions: dict[tuple[str, ...], list[dict[str, str]]] = {}

    def takes(self, metric: Metric, labels: Mapping[str, str]) -> bool:
        return metric.name not in self._values and all(
            self._labels.get(name, value) == value for name, value in labels.items()
        )

    def add(self, metric: Metric, labels: Mapping[str, str], values: Sequence[float]) -> None:
        self._labels.update(labels)
        self._values[metric.name] = values[0] if len(values) == 1 else list(values)
        definition = {"Name": metric.name, "Unit": metric.unit}
        self._definitions.setdefault(metric.labels, []).append(definition)

    def finish(self, now_ms: int) -> dict[str, Any]:
        directives = [
            {"Namespace": NAMESPACE, "Dimensions": [list(names)], "Metrics": definitions}
            for names, definitions in self._definitions.items()
        ]
        metadata = {"Timestamp": now_ms, "CloudWatchMetrics": directives}
        return {**self._labels, **self._values, "_aws": metadata}


def _series(metric: Metric, labels: Mapping[str, str]) -> _Series:
    """Return what identifies a series of values.

    Raises:
        ValueError: the labels are not those of the metric.
    """
    if labels.keys() != set(metric.labels):
        raise ValueError(f"{metric.name} has the labels {metric.labels}")
    return metric, tuple(labels[name] or _NO_VALUE for name in metric.labels)
