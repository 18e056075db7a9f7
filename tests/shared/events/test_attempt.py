"""What the decorators of events count and log."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness import builders
from shared.app import App
from shared.config import SettingError
from shared.core.deadline import Deadline
from shared.events.s3 import on_uploads
from shared.events.schedule import on_schedule
from shared.events.stream import on_changes
from tests import log_lines
from tests.fakes import InMemoryMetrics


class Context:
    aws_request_id = "invocation-of-the-tests"


@pytest.fixture
def metrics() -> InMemoryMetrics:
    return InMemoryMetrics()


@pytest.fixture
def app(tmp_path: Path, metrics: InMemoryMetrics) -> App:
    return builders.app_with(builders.settings(tmp_path), metrics=metrics)


def upload(number: int, key: str, *, deliveries: int = 1) -> dict[str, Any]:
    created = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "inbox"}, "object": {"key": key}},
    }
    return {
        "messageId": f"message-{number}",
        "attributes": {"ApproximateReceiveCount": str(deliveries)},
        "body": json.dumps({"Records": [created]}),
    }


def change(number: int, generation: str) -> dict[str, Any]:
    return {
        "eventID": f"event-{number}",
        "dynamodb": {
            "Keys": {"generation": {"S": generation}, "face_id": {"S": f"f-{number}"}},
            "SequenceNumber": str(number),
        },
    }


def fail_for_bad(name: str, _app: App, *, is_last: bool = False) -> None:
    if name.startswith("bad"):
        raise ZeroDivisionError


def test_counts_the_messages_of_a_batch(app: App, metrics: InMemoryMetrics) -> None:
    records = [upload(number, key) for number, key in enumerate(["a", "bad", "b"])]
    reply = on_uploads(fail_for_bad)({"Records": records}, Context(), app)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert metrics.totals == {
        ("events", "upload", "ok"): 2,
        ("events", "upload", "ZeroDivisionError"): 1,
    }
    assert metrics.values["event_records", "upload"] == [3]
    assert len(metrics.values["event_duration_seconds", "upload"]) == 3


def test_a_call_knows_when_it_is_the_last_attempt(app: App) -> None:
    seen = []

    def call(_key: str, _app: App, *, is_last: bool) -> None:
        seen.append(is_last)

    records = [upload(number, "a", deliveries=number) for number in range(1, 7)]
    on_uploads(call)({"Records": records}, Context(), app)
    assert seen == [False] * 4 + [True] * 2


def test_counts_a_generation_once_and_its_records_all(app: App, metrics: InMemoryMetrics) -> None:
    records = [change(number, name) for number, name in enumerate(["a", "bad", "a", "bad"])]
    reply = on_changes(fail_for_bad)({"Records": records}, Context(), app)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert metrics.totals == {
        ("events", "change", "ok"): 1,
        ("events", "change", "ZeroDivisionError"): 1,
    }
    assert metrics.values["event_records", "change"] == [4]


def test_counts_what_scheduled_work_reports(app: App, metrics: InMemoryMetrics) -> None:
    def call(_app: App, _deadline: Deadline) -> dict[str, int]:
        return {"faces": 12, "uploads": 0}

    assert on_schedule(call)({"id": "tick"}, Context(), app) == {"faces": 12, "uploads": 0}
    assert metrics.totals == {
        ("events", "schedule", "ok"): 1,
        ("scheduled_work", "faces"): 12,
        ("scheduled_work", "uploads"): 0,
    }


def test_counts_scheduled_work_that_failed(app: App, metrics: InMemoryMetrics) -> None:
    def call(_app: App, _deadline: Deadline) -> dict[str, int]:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError):
        on_schedule(call)({"id": "tick"}, Context(), app)
    assert metrics.totals == {("events", "schedule", "ZeroDivisionError"): 1}


def test_every_line_has_the_ids_of_its_record_and_of_the_invocation(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    log_lines.collect(caplog)
    on_uploads(fail_for_bad)({"Records": [upload(1, "bad"), upload(2, "b")]}, Context(), app)
    on_changes(fail_for_bad)({"Records": [change(3, "bad")]}, Context(), app)
    on_schedule(lambda _app, _deadline: {})({"id": "tick"}, Context(), app)
    lines = log_lines.collected(caplog)
    assert [line["requestId"] for line in lines] == [
        "message-1", "message-1", "message-2", "event-3", "event-3", "tick",
    ]  # fmt: skip
    assert {line["invocation"] for line in lines} == {"invocation-of-the-tests"}


def test_flushes_metrics_even_if_an_invocation_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(builders.settings(tmp_path, METRICS="emf"))
    on_uploads(fail_for_bad)({"Records": [upload(1, "bad")]}, Context(), app)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["events"], line["outcome"]) == (1, "ZeroDivisionError")
    with pytest.raises(KeyError):
        on_changes(fail_for_bad)({"Records": [{}]}, Context(), app)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["event_records"], line["trigger"]) == (1, "change")
    assert line["invocation"] == "invocation-of-the-tests"


def test_a_missing_setting_ends_the_invocation_by_name(tmp_path: Path) -> None:
    app = App(builders.settings(tmp_path, BACKEND="aws"))
    with pytest.raises(SettingError, match="INBOX_BUCKET must be set with BACKEND=aws"):
        on_uploads(fail_for_bad)({"Records": [upload(1, "a.jpg")]}, Context(), app)
    with pytest.raises(SettingError, match="FACES_TABLE must be set"):
        on_changes(lambda _, app: app.settings.required("faces_table"))(
            {"Records": [change(1, "g")]}, Context(), app
        )
