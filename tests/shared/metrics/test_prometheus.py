"""Metrics for Prometheus, parsed by its own client."""

import json
from collections import defaultdict

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.core.metrics import (
    CALL_DURATION,
    CALLS,
    CATALOGUE,
    EVENT_RECORDS,
    EVENTS,
    FACES_FOUND,
    Counter,
    Metrics,
)
from shared.metrics.emf import EmfMetrics
from shared.metrics.prometheus import PrometheusMetrics

Numbers = dict[tuple[str, ...], tuple[float, float]]  # a series: how many values, and their sum


def tell_a_story(metrics: Metrics) -> None:
    """Count some calls and events."""
    for route, outcome, duration_s in [
        ("POST /FaceDeID", "ok", 0.25),
        ("POST /FaceDeID", "ok", 0.5),
        ("POST /FaceDeID", "NoFaceError", 0.125),
        ("$default", "InvalidPathError", 0.25),
    ]:
        with metrics.invocation():
            metrics.count(CALLS, route=route, outcome=outcome)
            metrics.observe(CALL_DURATION, duration_s, route=route)
            metrics.observe(FACES_FOUND, 2)
    with metrics.invocation():
        metrics.observe(EVENT_RECORDS, 150, trigger="upload")
        metrics.count(EVENTS, 148, trigger="upload", outcome="ok")
        metrics.count(EVENTS, 2, trigger="upload", outcome="ValueError")


def numbers_of_prometheus(text: str) -> Numbers:
    """Return the values of an exposition; of histograms only count and sum."""
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    values: dict[tuple[str, tuple[str, ...]], float] = {
        (s.name, tuple(sorted(s.labels.values()))): s.value for s in samples
    }
    numbers: Numbers = {}
    for (name, labels), value in values.items():
        short = name.removeprefix("face_functions_")
        if short.endswith("_total") and value:
            numbers[short.removesuffix("_total"), *labels] = (1, value)
        if short.endswith("_count") and value:
            total = values[name.removesuffix("_count") + "_sum", labels]
            numbers[short.removesuffix("_count"), *labels] = (value, total)
    return numbers


def numbers_of_emf(text: str) -> Numbers:
    """Return the sums over all lines."""
    found: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for document in map(json.loads, text.splitlines()):
        for directive in document["_aws"]["CloudWatchMetrics"]:
            (dimensions,) = directive["Dimensions"]
            labels = sorted(document[name] for name in dimensions)
            for definition in directive["Metrics"]:
                value = document[definition["Name"]]
                values = value if isinstance(value, list) else [value]
                found[definition["Name"], *labels] += values
    counters = {metric.name for metric in CATALOGUE if isinstance(metric, Counter)}
    return {
        series: (1 if series[0] in counters else len(values), sum(values))
        for series, values in found.items()
    }


def test_shows_the_same_numbers_as_the_lines_for_cloudwatch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prometheus = PrometheusMetrics()
    tell_a_story(prometheus)
    tell_a_story(EmfMetrics())
    numbers = numbers_of_prometheus(prometheus.exposition().decode())
    assert numbers == numbers_of_emf(capsys.readouterr().out)
    expected: Numbers = {
        ("calls", "POST /FaceDeID", "ok"): (1, 2),
        ("call_duration_seconds", "POST /FaceDeID"): (3, 0.875),
        ("faces_found",): (4, 8),
        ("events", "ok", "upload"): (1, 148),
    }
    assert numbers.items() >= expected.items()


def test_names_every_metric_of_the_catalogue_with_its_help() -> None:
    families = {
        family.name: family
        for family in text_string_to_metric_families(PrometheusMetrics().exposition().decode())
    }
    for metric in CATALOGUE:
        family = families["face_functions_" + metric.name]
        assert family.documentation == metric.help
        assert family.type == ("counter" if isinstance(metric, Counter) else "histogram")


def test_a_value_falls_into_its_bucket() -> None:
    metrics = PrometheusMetrics()
    metrics.observe(CALL_DURATION, 0.03, route="r")
    text = metrics.exposition().decode()
    assert 'call_duration_seconds_bucket{le="0.025",route="r"} 0.0' in text
    assert 'call_duration_seconds_bucket{le="0.05",route="r"} 1.0' in text


@pytest.mark.parametrize("labels", [{}, {"route": "x"}, {"route": "x", "outcome": "y", "z": "z"}])
def test_refuses_other_labels_than_those_of_the_metric(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="label"):
        PrometheusMetrics().count(CALLS, 1, **labels)


def test_two_apps_of_one_process_count_apart() -> None:
    one, other = PrometheusMetrics(), PrometheusMetrics()
    one.observe(FACES_FOUND, 1)
    assert numbers_of_prometheus(one.exposition().decode()) == {("faces_found",): (1, 1)}
    assert numbers_of_prometheus(other.exposition().decode()) == {}
