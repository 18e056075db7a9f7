"""The only list of metrics, for every adapter of the port `Metrics`.

Labels have few values, all of which are written in this project's code or template: a route is the
route key of the template, an outcome is `ok` or the name of an error. A label never contains a
path, a key, a group or a tenant.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

Unit = Literal["Count", "Seconds"]  # as CloudWatch names them

_DURATIONS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG_TIMES_S = (1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0, 604800.0)
_FEW = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
_MANY = (0.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A metric, as every adapter needs it.

    Attributes:
        name: in lower case; ends in `_seconds` if that is the unit.
        help: one sentence.
        labels: the names of the labels of each value.
        unit: of the values.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    unit: Unit = "Count"


@dataclass(frozen=True, slots=True, eq=False)
class Counter(Metric):
    """Counts how often something happens."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram(Metric):
    """The distribution of a value; `buckets` are the upper limits of its classes."""

    buckets: tuple[float, ...] = _FEW


CALLS = Counter("calls", "Calls answered.", ("route", "outcome"))
CALL_DURATION = Histogram(
    "call_duration_seconds", "Time to answer a call.", ("route",), "Seconds", _DURATIONS_S
)
EVENTS = Counter(
    "events", "Attempts at what a record of an event asks for.", ("trigger", "outcome")
)
EVENT_DURATION = Histogram(
    "event_duration_seconds", "Time of an attempt.", ("trigger",), "Seconds",
    (*_DURATIONS_S, 60.0, 300.0, 900.0),
)  # fmt: skip
EVENT_RECORDS = Histogram("event_records", "Records that came in one event.", ("trigger",))
SCHEDULED_WORK = Counter(
    "scheduled_work", "What scheduled work did, by the names in its report.", ("kind",)
)
UPLOADS = Counter("uploads", "Uploads looked at, by what became of them.", ("result",))
FACES_FOUND = Histogram("faces_found", "Faces found in a photo.")
DETECTION_DURATION = Histogram(
    "detection_duration_seconds", "Time to find the faces of a photo.", (), "Seconds", _DURATIONS_S
)
FACES_HIDDEN = Counter("faces_hidden", "Faces hidden in photos.", ("method",))
FACES_EMBEDDED = Histogram("faces_embedded", "Faces turned into vectors at once.")
EMBEDDING_DURATION = Histogram(
    "embedding_duration_seconds", "Time to turn them into vectors.", (), "Seconds", _DURATIONS_S
)
SEARCHES = Counter("searches", "Searches of a group, by how: exact or approximate.", ("mode",))
SEARCH_CHANGES = Histogram(
    "search_changes", "Changes since the snapshot that a search looked at.", (), "Count", _MANY
)
SNAPSHOT_AGE = Histogram(
    "snapshot_age_seconds", "Age of the snapshot that a search used.", (), "Seconds", _LONG_TIMES_S
)

CATALOGUE: tuple[Counter | Histogram, ...] = (
    CALLS, CALL_DURATION, EVENTS, EVENT_DURATION, EVENT_RECORDS, SCHEDULED_WORK,
    UPLOADS, FACES_FOUND, DETECTION_DURATION, FACES_HIDDEN, FACES_EMBEDDED,
    EMBEDDING_DURATION, SEARCHES, SEARCH_CHANGES, SNAPSHOT_AGE,
)  # fmt: skip


class Metrics(Protocol):
    """Records the metrics of this module, from any thread."""

    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        """Add to a counter."""

    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        """Add a value to a histogram."""

    def invocation(self) -> AbstractContextManager[None]:
        """Flush the metrics of the block on exit, even on error."""

    def exposition(self) -> bytes | None:
        """Return the metrics in the format of Prometheus; None if they go elsewhere."""
