"""A function for pollers to invoke, and a clock for them."""

from collections.abc import Callable, Mapping
from typing import Any

from local_runner.functions import FunctionError
from local_runner.triggers.delivery import identifier
from shared.handler import Event


class Recorder:
    """Keeps the events that it gets; fails for the records that a test picks."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fails: Callable[[Event], bool] = lambda _record: False
        self.during: Callable[[], object] = lambda: None

    def __call__(self, event: Event) -> Mapping[str, Any]:
        self.events.append(event)
        self.during()
        failed = [identifier(record) for record in event["Records"] if self.fails(record)]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def take(self) -> list[Event]:
        """Return the records of all events since the last call."""
        records = [record for event in self.events for record in event["Records"]]
        self.events.clear()
        return records

    def raises(self, _event: Event) -> bool:
        """Fail as a whole."""
        raise FunctionError("Recorder")


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
