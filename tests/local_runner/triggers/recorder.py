"""A function that is called by triggers, and a clock that they go by."""

from collections.abc import Callable, Mapping
from typing import Any

from local_runner.functions import FunctionError

Event = Mapping[str, Any]


class Recorder:
    """Keeps the events that it was called with; fails for the records that a test picks."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fails: Callable[[Event], bool] = lambda _record: False
        self.during: Callable[[], object] = lambda: None

    def __call__(self, event: Event) -> Mapping[str, Any]:
        self.events.append(event)
        self.during()
        failed = [_identifier(record) for record in event["Records"] if self.fails(record)]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def take(self) -> list[Event]:
        """Return the records of all events since it was last asked."""
        records = [record for event in self.events for record in event["Records"]]
        self.events.clear()
        return records

    def raises(self, _event: Event) -> bool:
        """Fail as a whole."""
        raise FunctionError("Recorder")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _identifier(record: Event) -> str:
    name: str = (
        record["messageId"] if "messageId" in record else record["dynamodb"]["SequenceNumber"]
    )
    return name
