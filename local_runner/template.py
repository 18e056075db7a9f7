"""Reads the functions of template.yaml, their routes and their triggers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.config import ROOT

_PACKAGED = Path(__file__).with_name("template.yaml")  # only an installed wheel has it there
TEMPLATE = _PACKAGED if _PACKAGED.exists() else ROOT / "template.yaml"

_FUNCTION = "AWS::Serverless::Function"
_HTTP_EVENT = "HttpApi"
_QUEUE_EVENT = "SQS"
_STREAM_EVENT = "DynamoDB"
_SCHEDULE_EVENT = "Schedule"
_QUEUE_BATCH = 10  # records, where the template names no size: Lambda's defaults
_STREAM_BATCH = 100
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNITS_S = {"minute": 60, "hour": 3600, "day": 86_400}
ANY_METHOD = "ANY"
DEFAULT_PATH = "$default"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the gateway; `path` is `$default` for whatever no other route takes."""

    method: str
    path: str

    @property
    def key(self) -> str:
        """The gateway's name of the route, as `POST /FaceDeID`."""
        return self.path if self.path == DEFAULT_PATH else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """Messages of a queue, by its logical name, at most `batch_size` an event."""

    queue: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class StreamTrigger:
    """Changes of a table, by its logical name, which may gather for `window_s` before an event."""

    table: str
    batch_size: int
    window_s: int


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """Every `every_s` seconds."""

    every_s: int


Trigger = QueueTrigger | StreamTrigger | ScheduleTrigger


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function: its logical name, its handler `package.module.attribute`, its events."""

    name: str
    command: str
    routes: tuple[Route, ...]
    triggers: tuple[Trigger, ...] = ()


def read(path: Path = TEMPLATE) -> tuple[Function, ...]:
    """Return the functions of a SAM template, in its order.

    Raises:
        ValueError: a schedule is no rate of minutes, hours or days.

    """
    return tuple(
        _function(name, resource["Properties"])
        for name, resource in _resources(path).items()
        if resource["Type"] == _FUNCTION
    )


def resource_properties(name: str, path: Path = TEMPLATE) -> dict[str, Any]:
    """Return the properties of the resource with a logical name."""
    properties: dict[str, Any] = _resources(path)[name]["Properties"]
    return properties


def _resources(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    template = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    resources: dict[str, Any] = template["Resources"]
    return resources


def _function(name: str, properties: dict[str, Any]) -> Function:
    (command,) = properties["ImageConfig"]["Command"]
    events = [
        (event["Type"], event.get("Properties", {}))
        for event in properties.get("Events", {}).values()
    ]
    return Function(
        name=name,
        command=command,
        routes=tuple(_route(event) for kind, event in events if kind == _HTTP_EVENT),
        triggers=tuple(_TRIGGERS[kind](event) for kind, event in events if kind in _TRIGGERS),
    )


def _route(event: dict[str, Any]) -> Route:
    return Route(
        method=event.get("Method", ANY_METHOD).upper(), path=event.get("Path", DEFAULT_PATH)
    )


def _queue(event: dict[str, Any]) -> QueueTrigger:
    return QueueTrigger(_logical_name(event["Queue"]), int(event.get("BatchSize", _QUEUE_BATCH)))


def _stream(event: dict[str, Any]) -> StreamTrigger:
    return StreamTrigger(
        _logical_name(event["Stream"]),
        int(event.get("BatchSize", _STREAM_BATCH)),
        int(event.get("MaximumBatchingWindowInSeconds", 0)),
    )


def _schedule(event: dict[str, Any]) -> ScheduleTrigger:
    rate = _RATE.fullmatch(event["Schedule"])
    if rate is None:
        raise ValueError(f"a schedule must be as rate(1 hour), not {event['Schedule']!r}")
    return ScheduleTrigger(int(rate[1]) * _UNITS_S[rate[2]])


_TRIGGERS: dict[str, Callable[[dict[str, Any]], Trigger]] = {
    _QUEUE_EVENT: _queue,
    _STREAM_EVENT: _stream,
    _SCHEDULE_EVENT: _schedule,
}


def _logical_name(attribute: str | list[str] | dict[str, Any]) -> str:
    """Return whose attribute it is: of `X.Arn`, `[X, Arn]`, or `Fn::GetAtt` of one of them."""
    if isinstance(attribute, dict):
        return _logical_name(attribute["Fn::GetAtt"])
    return attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]


class _Loader(yaml.CSafeLoader):
    """A safe loader that reads CloudFormation's short functions (`!Ref x`) as what they hold."""


def _short_function(loader: _Loader, _tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    raise TypeError(f"line {node.start_mark.line + 1}: no short function takes a mapping")


_Loader.add_multi_constructor("!", _short_function)
