"""What the decorator counts and logs of a call."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functions.etri._dialect import etri
from harness import builders
from shared.app import App
from shared.core.errors import NoFaceError
from shared.core.metering.models import Limits
from shared.handler import Handler
from shared.http import endpoint
from shared.http.request import Request
from shared.http.response import Payload
from tests import log_lines
from tests.fakes import InMemoryMetrics

ROUTE = "POST /FaceDeID"


class Context:
    aws_request_id = "invocation-of-the-tests"


@pytest.fixture
def metrics() -> InMemoryMetrics:
    return InMemoryMetrics()


@pytest.fixture
def app(tmp_path: Path, metrics: InMemoryMetrics) -> App:
    ports = {**builders.access_ports(Limits()), "metrics": metrics}
    return builders.app_with(builders.settings(tmp_path), **ports)


def failing(error: Exception | None) -> Handler:
    """Return a handler of calls that fail, or do not."""

    @endpoint(etri)
    def handler(_request: Request, _app: App) -> Payload:
        if error is not None:
            raise error
        return {}

    return handler


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "ok"), (NoFaceError(), "NoFaceError"), (ZeroDivisionError(), "FaceError")],
)
def test_counts_a_call_by_its_outcome(
    app: App, metrics: InMemoryMetrics, error: Exception | None, outcome: str
) -> None:
    failing(error)(builders.event(), Context(), app)
    assert metrics.totals == {("calls", ROUTE, outcome): 1}
    assert metrics.values.keys() == {("call_duration_seconds", ROUTE)}


def test_counts_a_refused_call(app: App, metrics: InMemoryMetrics) -> None:
    failing(None)(builders.event(headers={}), Context(), app)
    assert metrics.totals == {("calls", ROUTE, "MissingKeyError"): 1}


def test_counts_every_one_of_many_concurrent_calls(app: App, metrics: InMemoryMetrics) -> None:
    handler = failing(None)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: handler(builders.event(), Context(), app), range(64)))
    assert metrics.totals == {("calls", ROUTE, "ok"): 64}
    assert len(metrics.values["call_duration_seconds", ROUTE]) == 64


def test_every_line_of_a_call_has_the_ids(app: App, caplog: pytest.LogCaptureFixture) -> None:
    log_lines.collect(caplog)
    failing(ZeroDivisionError())(builders.event(), Context(), app)
    lines = log_lines.collected(caplog)
    assert [line["message"] for line in lines] == ["unexpected error", "call"]
    for line in lines:
        assert line["requestId"] == "request-of-the-tests"
        assert line["invocation"] == "invocation-of-the-tests"


def test_flushes_metrics_at_the_end_of_an_invocation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = builders.app(tmp_path, METRICS="emf")
    for count in (1, 2):
        failing(ZeroDivisionError())(builders.event(), Context(), app)
        assert capsys.readouterr().out.count('"calls": 1') == 1, count
