"""The catalogue of metrics."""

import re
from itertools import pairwise

import pytest

from shared.core import metrics
from shared.core.metrics import CATALOGUE, Histogram, Metric

NAMES = [metric.name for metric in CATALOGUE]

each_metric = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)


def test_has_every_metric_of_its_module_once() -> None:
    defined = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert list(CATALOGUE) == defined
    assert len(set(NAMES)) == len(NAMES)


@each_metric
def test_names_are_those_that_prometheus_recommends(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_seconds") == (metric.unit == "Seconds")
    assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket", "_created"))


@each_metric
def test_labels_have_few_values(metric: Metric) -> None:
    assert set(metric.labels) <= {"route", "outcome", "trigger", "kind", "result", "method", "mode"}
    assert len(metric.labels) <= 2


def test_no_label_has_the_name_of_a_metric() -> None:
    labels = {label for metric in CATALOGUE for label in metric.labels}
    assert labels.isdisjoint(NAMES)


@each_metric
def test_the_help_is_one_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z][^.\n]+\.", metric.help)


@each_metric
def test_buckets_rise(metric: Metric) -> None:
    if isinstance(metric, Histogram):
        assert all(low < high for low, high in pairwise(metric.buckets))
