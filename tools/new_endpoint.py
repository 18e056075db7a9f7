"""Starts an endpoint: its handler, test and example, and its entries in template and docs.

    make new-endpoint DIALECT=nhn NAME=count_faces METHOD=GET ROUTE=/nhn-face-reco/.../count

It writes nothing if a name is wrong or taken. The tests fail until every TODO is filled in.
"""

import argparse
import keyword
import re
import sys
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local_runner import template
from local_runner.template import Route
from shared.config import ROOT

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "ANY")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ROUTE = re.compile(r"(/([A-Za-z0-9._-]+|\{[A-Za-z]+\}))+(/\{[A-Za-z]+\+\}|/)?")

_HANDLER = '''\
"""{method} {route}: TODO."""

from functions.{dialect}._dialect import {dialect}
from shared.app import App
from shared.http import Payload, Request, endpoint


@endpoint({dialect})
def handler(request: Request, app: App) -> Payload:
    """TODO."""
    raise NotImplementedError
'''

_RESOURCE = """\
  {function}:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      ImageConfig:
        Command: [functions.{dialect}.{name}.handler]
      Policies:
        - Version: "2012-10-17"
          Statement:
            - *read_keys
            - *count_calls
      Events:
        Call:
          Type: HttpApi
          Properties: {{ ApiId: !Ref Api, Method: {method}, Path: "{route}" }}
    Metadata: *image

"""

_ROW = "| `{method}` | `{route}` | `functions.{dialect}.{name}.handler` |\n"

_EXAMPLE = '{{"TODO": "the answer that the guide of the vendor prints for {name}"}}\n'

_TEST = '''\
"""{method} {route}."""

import pytest


def test_{name}() -> None:
    pytest.fail("TODO: test what functions/{dialect}/{name}.py does")
'''


class NewEndpointError(Exception):
    """The endpoint cannot be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint to start.

    Attributes:
        dialect: the package in `functions` that it belongs to.
        name: of its module.
        method: of HTTP, or `ANY`.
        route: its path, with parameters such as `{groupId}`.
    """

    dialect: str
    name: str
    method: str
    route: str

    @property
    def command(self) -> str:
        """Its handler."""
        return f"functions.{self.dialect}.{self.name}.handler"


def main(arguments: Sequence[str] | None = None) -> int:
    """Start an endpoint; return the exit status: 2 where nothing was written."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.new_endpoint", description="Start an endpoint."
    )
    for name in ("dialect", "name", "method", "route"):
        parser.add_argument(name)
    endpoint = Endpoint(**vars(parser.parse_args(arguments)))
    try:
        files = start(endpoint, ROOT)
    except NewEndpointError as error:
        print(f"new-endpoint: {error}", file=sys.stderr)
        return 2
    print("Written:", *(path.relative_to(ROOT) for path in files), sep="\n  ")
    print('Fill in every TODO: CONTRIBUTING.md, "Add an endpoint", has the steps.')
    return 0


def start(endpoint: Endpoint, root: Path) -> list[Path]:
    """Write the files of an endpoint below a checkout; return them.

    Raises:
        NewEndpointError: a name is wrong or taken. Nothing was written.
    """
    _check(endpoint, root)
    texts = _texts(endpoint, root)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _check(endpoint: Endpoint, root: Path) -> None:
    dialects = sorted(path.parent.name for path in root.glob("functions/*/_dialect.py"))
    if endpoint.dialect not in dialects:
        raise NewEndpointError(f"no dialect {endpoint.dialect!r}; there are: {', '.join(dialects)}")
    if not _NAME.fullmatch(endpoint.name) or keyword.iskeyword(endpoint.name):
        raise NewEndpointError(f"NAME must look like count_faces, not {endpoint.name!r}")
    if endpoint.method not in METHODS:
        raise NewEndpointError(
            f"METHOD must be one of {', '.join(METHODS)}, not {endpoint.method!r}"
        )
    if not _ROUTE.fullmatch(endpoint.route):
        raise NewEndpointError(f"ROUTE must look like /groups/{{groupId}}, not {endpoint.route!r}")
    functions = template.read(root / "template.yaml")
    wanted = Route(endpoint.method, endpoint.route).key
    for function in functions:
        if function.command == endpoint.command:
            raise NewEndpointError(f"{endpoint.command} is there already, as {function.name}")
        if wanted in {route.key for route in function.routes}:
            raise NewEndpointError(f"{wanted} is the route of {function.name} already")


def _function_name(endpoint: Endpoint, taken: Container[str]) -> str:
    """Return a logical name for the template, with the dialect's in front where it is taken."""
    short, long = (
        "".join(word.capitalize() for word in words.split("_")) + "Function"
        for words in (endpoint.name, f"{endpoint.dialect}_{endpoint.name}")
    )
    return long if short in taken else short


def _texts(endpoint: Endpoint, root: Path) -> Mapping[Path, str]:
    """Return what is to be in each file."""
    dialect, name = endpoint.dialect, endpoint.name
    resources, table = root / "template.yaml", root / "docs" / "endpoints.md"
    taken = {function.name for function in template.read(resources)}
    words = {**asdict(endpoint), "function": _function_name(endpoint, taken)}
    return {
        root / "functions" / dialect / f"{name}.py": _HANDLER.format(**words),
        root / "tests" / "functions" / dialect / f"test_{name}.py": _TEST.format(**words),
        root / "tests" / "golden" / dialect / f"{name}.json": _EXAMPLE.format(**words),
        resources: _with_block(resources.read_text(encoding="utf-8"), dialect, words),
        table: _with_row(table.read_text(encoding="utf-8"), dialect, words),
    }


def _with_block(text: str, dialect: str, words: Mapping[str, str]) -> str:
    """Return a template with one more function: behind its dialect's, or behind all endpoints."""
    block = _RESOURCE.format(**words)
    at = text.rfind(f"[functions.{dialect}.")
    if at < 0:
        at = text.rindex("Type: HttpApi")
        block = f"  # {dialect}\n{block}"
    end = text.index("\n\n", at) + 2
    return text[:end] + block + text[end:]


def _with_row(text: str, dialect: str, words: Mapping[str, str]) -> str:
    """Return the page of the endpoints with one more row, placed likewise."""
    at = text.rfind(f"`functions.{dialect}.")
    if at < 0:
        at = text.rindex("`functions.")
    end = text.index("\n", at) + 1
    return text[:end] + _ROW.format(**words) + text[end:]


if __name__ == "__main__":
    sys.exit(main())
