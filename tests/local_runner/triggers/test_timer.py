"""Functions that run on a schedule."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness import builders
from local_runner import functions
from local_runner.triggers.timer import Timer
from tests.local_runner.triggers.recorder import Clock

HANDLERS = "tests.local_runner.triggers.handlers"


class Ticks:
    """Keeps the events of a timer."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []

    def __call__(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self.events.append(event)
        return {}


def test_fires_shortly_after_the_start_and_then_after_each_interval() -> None:
    ticks, clock = Ticks(), Clock()
    timer = Timer("CleanUp", ticks, every_s=3600, clock=clock)
    fired_at_s: list[int] = []
    for second in range(0, 8000, 5):
        clock.now = 1000.0 + second
        assert not timer.poll()
        if len(ticks.events) > len(fired_at_s):
            fired_at_s.append(second)
    assert fired_at_s == [5, 3605, 7205]


def test_skips_missed_intervals() -> None:
    ticks, clock = Ticks(), Clock()
    timer = Timer("CleanUp", ticks, every_s=60, clock=clock)
    clock.now += 1000
    for _ in range(3):
        timer.poll()
    assert len(ticks.events) == 1


def test_an_event_has_the_form_of_an_eventbridge_event() -> None:
    ticks, clock = Ticks(), Clock()
    timer = Timer("CleanUp", ticks, every_s=60, clock=clock)
    for _ in range(2):
        clock.now += 60
        timer.poll()
    first, second = ticks.events
    assert first["detail-type"] == "Scheduled Event"
    assert first["source"] == "aws.events"
    assert first["resources"][0].endswith(":rule/CleanUp")
    assert datetime.fromisoformat(first["time"]).utcoffset() is not None
    assert first["id"] != second["id"]


def test_a_handler_takes_the_event(tmp_path: Path) -> None:
    app, clock = builders.app(tmp_path), Clock()
    invoke = functions.invoker("Tick", f"{HANDLERS}.note_time", app)
    timer = Timer("Tick", invoke, every_s=60, clock=clock)
    clock.now += 5
    timer.poll()
    assert app.outbox.stat("ticked") is not None


def test_invokes_a_failed_function_again_after_the_interval(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    invoke = functions.invoker("Broken", f"{HANDLERS}.fail", builders.app(tmp_path))
    clock = Clock()
    timer = Timer("Broken", invoke, every_s=60, clock=clock)
    for _ in range(2):
        clock.now += 60
        timer.poll()
        timer.poll()
    assert caplog.messages == ["the function failed"] * 2
