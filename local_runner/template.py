"""Reads the functions and routes of template.yaml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.config import ROOT

TEMPLATE = ROOT / "template.yaml"

_FUNCTION = "AWS::Serverless::Function"
_HTTP_EVENT = "HttpApi"
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
class Function:
    """A deployed function: its logical name, its handler `package.module.attribute`, its routes."""

    name: str
    command: str
    routes: tuple[Route, ...]


def read(path: Path = TEMPLATE) -> tuple[Function, ...]:
    """Return the functions of a SAM template, in its order."""
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
    routes = (
        Route(
            method=event.get("Properties", {}).get("Method", ANY_METHOD).upper(),
            path=event.get("Properties", {}).get("Path", DEFAULT_PATH),
        )
        for event in properties.get("Events", {}).values()
        if event["Type"] == _HTTP_EVENT
    )
    return Function(name=name, command=command, routes=tuple(routes))


class _Loader(yaml.CSafeLoader):
    """A safe loader that reads CloudFormation's short functions (`!Ref x`) as what they hold."""


def _short_function(loader: _Loader, _tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    raise TypeError(f"line {node.start_mark.line + 1}: no short function takes a mapping")


_Loader.add_multi_constructor("!", _short_function)
