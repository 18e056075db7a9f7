"""Metrics in CloudWatch's embedded metric format, checked against its specification."""

import contextvars
import io
import itertools
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared import log
from shared.core.metrics import CALL_DURATION, CALLS, CATALOGUE, EVENTS, FACES_FOUND, Counter
from shared.metrics.emf import EmfMetrics

ROUTE = "POST /FaceDeID"

Written = pytest.CaptureFixture[str]


def lines(written: Written) -> list[dict[str, Any]]:
    """Return the written documents; every line must be a valid one."""
    found = [json.loads(line) for line in written.readouterr().out.splitlines()]
    for document in found:
        check(document)
    return found


def check(document: dict[str, Any]) -> None:
    """Check a document against what the specification says MUST and MUST NOT be."""
    metadata = document["_aws"]
    assert metadata.keys() == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(metadata["Timestamp"], int)
    assert abs(metadata["Timestamp"] / 1000 - time.time()) < 60
    names = []
    for directive in metadata["CloudWatchMetrics"]:
        assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 255
        assert directive["Dimensions"]
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            for dimension in dimensions:
                assert isinstance(document[dimension], str)
                assert 1 <= len(document[dimension]) <= 1024
                assert document[dimension].isascii()
        assert 1 <= len(directive["Metrics"]) <= 100
        for definition in directive["Metrics"]:
            assert definition.keys() == {"Name", "Unit"}
            assert definition["Unit"] in {"Count", "Seconds"}
            names.append(definition["Name"])
            value = document[definition["Name"]]
            values = value if isinstance(value, list) else [value]
            assert 1 <= len(values) <= 100
            assert all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    assert len(set(names)) == len(names)
    assert len(json.dumps(document)) < 256 * 1024


def test_an_invocation_is_one_line(capsys: Written) -> None:
    metrics = EmfMetrics()
    with metrics.invocation():
        metrics.count(CALLS, route=ROUTE, outcome="ok")
        metrics.observe(CALL_DURATION, 0.25, route=ROUTE)
        metrics.observe(FACES_FOUND, 2)
        metrics.observe(FACES_FOUND, 3)
    (line,) = lines(capsys)
    assert (line["calls"], line["call_duration_seconds"], line["faces_found"]) == (1, 0.25, [2, 3])
    assert (line["route"], line["outcome"]) == (ROUTE, "ok")
    dimensions = {
        definition["Name"]: directive["Dimensions"]
        for directive in line["_aws"]["CloudWatchMetrics"]
        for definition in directive["Metrics"]
    }
    assert dimensions == {
        "calls": [["route", "outcome"]],
        "call_duration_seconds": [["route"]],
        "faces_found": [[]],
    }


def test_two_values_of_one_label_need_two_lines(capsys: Written) -> None:
    metrics = EmfMetrics()
    with metrics.invocation():
        for outcome in ("ok", "ValueError", "ok"):
            metrics.count(EVENTS, trigger="upload", outcome=outcome)
        metrics.observe(FACES_FOUND, 1)
    first, second = lines(capsys)
    assert (first["outcome"], first["events"], first["faces_found"]) == ("ok", 2, 1)
    assert (second["outcome"], second["events"]) == ("ValueError", 1)


def test_a_line_has_at_most_a_hundred_values_of_a_metric(capsys: Written) -> None:
    metrics = EmfMetrics()
    with metrics.invocation():
        for number in range(250):
            metrics.observe(FACES_FOUND, number)
    parts = [line["faces_found"] for line in lines(capsys)]
    assert [len(part) for part in parts] == [100, 100, 50]
    assert list(itertools.chain(*parts)) == list(range(250))


def test_a_whole_catalogue_fits_into_one_line(capsys: Written) -> None:
    metrics = EmfMetrics()
    with metrics.invocation():
        for metric in CATALOGUE:
            labels = dict.fromkeys(metric.labels, "x")
            if isinstance(metric, Counter):
                metrics.count(metric, 1, **labels)
            else:
                metrics.observe(metric, 1, **labels)
    (line,) = lines(capsys)
    assert line.keys() >= {metric.name for metric in CATALOGUE}


def test_the_counts_of_a_failed_call_are_written(capsys: Written) -> None:
    metrics = EmfMetrics()

    def fail() -> None:
        with metrics.invocation():
            metrics.observe(FACES_FOUND, 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [line["faces_found"] for line in lines(capsys)] == [1]


def test_an_invocation_that_counts_nothing_writes_nothing(capsys: Written) -> None:
    with EmfMetrics().invocation():
        pass
    assert lines(capsys) == []


def test_nothing_leaks_from_one_invocation_into_the_next(capsys: Written) -> None:
    metrics = EmfMetrics()
    for count in (1, 2):
        with metrics.invocation():
            metrics.observe(FACES_FOUND, count)
    assert [line["faces_found"] for line in lines(capsys)] == [1, 2]


def test_concurrent_invocations_stay_apart(capsys: Written) -> None:
    metrics, together = EmfMetrics(), threading.Barrier(8)

    def invoke(number: int) -> None:
        with metrics.invocation():
            together.wait()
            for _ in range(50):
                metrics.observe(FACES_FOUND, number)
                metrics.count(CALLS, route=str(number), outcome="ok")
            together.wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(invoke, range(8)))
    found = lines(capsys)
    assert sorted(line["faces_found"] for line in found) == [[n] * 50 for n in range(8)]
    assert all(line["route"] == str(line["faces_found"][0]) for line in found)
    assert all(line["calls"] == 50 for line in found)


def test_counts_outside_of_an_invocation_are_written_at_once(capsys: Written) -> None:
    EmfMetrics().count(EVENTS, 3, trigger="upload", outcome="ok")
    assert [line["events"] for line in lines(capsys)] == [3]


def test_a_thread_counts_for_the_invocation_of_its_context_until_that_ends(
    capsys: Written,
) -> None:
    metrics = EmfMetrics()
    with metrics.invocation(), ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        pool.submit(context.run, metrics.observe, FACES_FOUND, 1).result()
        metrics.observe(FACES_FOUND, 2)
    assert [line["faces_found"] for line in lines(capsys)] == [[1, 2]]
    context.run(metrics.observe, FACES_FOUND, 3)
    assert [line["faces_found"] for line in lines(capsys)] == [3]


def test_a_line_has_the_ids_of_request_and_invocation(capsys: Written) -> None:
    class Context:
        aws_request_id = "i-1"

    metrics = EmfMetrics()
    with log.invocation(Context()), log.request_id("r-1"), metrics.invocation():
        metrics.observe(FACES_FOUND, 1)
    (line,) = lines(capsys)
    assert (line["requestId"], line["invocation"]) == ("r-1", "i-1")


def test_an_event_without_a_route_still_has_a_dimension(capsys: Written) -> None:
    EmfMetrics().count(CALLS, route="", outcome="ok")
    assert [line["route"] for line in lines(capsys)] == ["-"]


@pytest.mark.parametrize("labels", [{}, {"route": "x"}, {"route": "x", "outcome": "y", "z": "z"}])
def test_refuses_other_labels_than_those_of_the_metric(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="calls"):
        EmfMetrics().count(CALLS, 1, **labels)


def test_a_closed_standard_output_costs_only_the_counts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    EmfMetrics().observe(FACES_FOUND, 1)
    assert "metrics could not be written" in caplog.text
