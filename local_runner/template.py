"""Reads the functions of template.yaml, their routes and their triggers."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.config import ROOT

_PACKAGED = Path(__file__).with_name("template.yaml")  # only an installed wheel has it there
TEMPLATE = _PACKAGED if _PACKAGED.exists() else ROOT / "template.yaml"

_QUEUE_BATCH = 10  # Lambda's defaults, if the template has no BatchSize
_STREAM_BATCH = 100
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNITS_S = {"minute": 60, "hour": 3600, "day": 86_400}
ANY_METHOD = "ANY"
DEFAULT_PATH = "$default"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the gateway; the path `$default` takes what no other route does."""

    method: str
    path: str

    @property
    def key(self) -> str:
        """The gateway's name of the route, such as `POST /FaceDeID`."""
        return self.path if self.path == DEFAULT_PATH else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """Messages of the queue with a logical name, at most `batch_size` per event."""

    queue: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class StreamTrigger:
    """Changes of the table with a logical name, which may gather for `window_s` seconds."""

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
    """A function: its logical name, its handler `package.module.attribute`, what invokes it."""

    name: str
    command: str
    routes: tuple[Route, ...]
    triggers: tuple[Trigger, ...] = ()


def read(path: Path = TEMPLATE) -> tuple[Function, ...]:
    """Return the functions of a SAM template, in its order.

    Raises:
        ValueError: a schedule is not a rate of minutes, hours or days.

    """
    return tuple(
        _function(name, resource["Properties"])
        for name, resource in _resources(path).items()
        if resource["Type"] == "AWS::Serverless::Function"
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
        _event(event["Type"], event.get("Properties", {}))
        for event in properties.get("Events", {}).values()
    ]
    return Function(
        name=name,
        command=command,
        routes=tuple(event for event in events if isinstance(event, Route)),
        triggers=tuple(event for event in events if isinstance(event, Trigger)),
    )


def _event(kind: str, properties: dict[str, Any]) -> Route | Trigger | None:
    """Return what invokes a function; None for a kind of event that only the cloud has."""
    match kind:
        case "HttpApi":
            method = properties.get("Method", ANY_METHOD).upper()
            return Route(method, properties.get("Path", DEFAULT_PATH))
        case "SQS":
            queue = _logical_name(properties["Queue"])
            return QueueTrigger(queue, int(properties.get("BatchSize", _QUEUE_BATCH)))
        case "DynamoDB":
            return StreamTrigger(
                _logical_name(properties["Stream"]),
                int(properties.get("BatchSize", _STREAM_BATCH)),
                int(properties.get("MaximumBatchingWindowInSeconds", 0)),
            )
        case "Schedule":
            return ScheduleTrigger(_interval_s(properties["Schedule"]))
    return None


def _interval_s(schedule: str) -> int:
    rate = _RATE.fullmatch(schedule)
    if rate is None:
        raise ValueError(f"a schedule must look like rate(1 hour), not {schedule!r}")
    return int(rate[1]) * _UNITS_S[rate[2]]


def _logical_name(attribute: str | list[str] | dict[str, Any]) -> str:
    """Return the resource of an attribute: `X.Arn`, `[X, Arn]`, or `Fn::GetAtt` of one of them."""
    if isinstance(attribute, dict):
        return _logical_name(attribute["Fn::GetAtt"])
    return attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]


class _Loader(yaml.CSafeLoader):
    """A safe loader that replaces CloudFormation's short functions (`!Ref x`) by their argument."""


def _short_function(loader: _Loader, _tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    raise TypeError(f"line {node.start_mark.line + 1}: short functions do not take mappings")


_Loader.add_multi_constructor("!", _short_function)
