"""Each dialect answers every error as in its golden file, and needs every row of its table."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness import builders
from local_runner import template
from shared.app import App
from shared.config import ROOT
from shared.core import errors
from shared.core.errors import FaceError, InvalidParameterError, UnknownModelError
from shared.http.dialect import Dialect
from shared.http.request import Request
from tests import examples

DIALECTS = {
    path.parent.name: importlib.import_module(f"functions.{path.parent.name}._dialect")
    for path in sorted((ROOT / "functions").glob("*/_dialect.py"))
}
ROWS = [
    (vendor, error)
    for vendor, module in DIALECTS.items()
    for error in module.ERRORS
    if error is not FaceError  # whose answer needs its own row
]


def tree(root: type[FaceError] = FaceError) -> Iterator[type[FaceError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def example(error: type[FaceError]) -> FaceError:
    """Return an error of the class; two of the classes take arguments."""
    if error is InvalidParameterError:
        return InvalidParameterError("limit", "is missing")
    if error is UnknownModelError:
        return UnknownModelError("a-model")
    return error()


def answers(module: ModuleType, app: App) -> dict[str, Any]:
    """Return the answer of a dialect to every error, by the error's name."""
    vendor = module.__name__.split(".")[1]
    dialect: Dialect = getattr(module, vendor)
    request = Request(builders.event(), timeout_s=1)
    found = {}
    for error in tree():
        response = dialect.refuse(request, example(error), app)
        found[error.__name__] = {
            "status": response.status,
            "headers": dict(response.headers),
            "payload": response.payload,
        }
    return found


def one_per_line(found: dict[str, Any]) -> str:
    """Return answers as a golden file has them, which is then checked against the guide."""
    lines = (
        f"  {json.dumps(name)}: {json.dumps(answer, ensure_ascii=False)}"
        for name, answer in found.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}"


@pytest.fixture
def app(tmp_path: Path) -> App:
    return builders.app(tmp_path)


def test_every_vendor_has_a_dialect_and_a_golden_file() -> None:
    packages = {function.command.split(".")[1] for function in template.read() if function.routes}
    assert (
        packages == set(DIALECTS) == {path.stem for path in (examples.FOLDER / "errors").iterdir()}
    )


@pytest.mark.parametrize("vendor", DIALECTS)
def test_every_error_has_its_answer(vendor: str, app: App) -> None:
    found = answers(DIALECTS[vendor], app)
    assert found == examples.read(f"errors/{vendor}.json"), one_per_line(found)


@pytest.mark.parametrize(
    ("vendor", "error"), ROWS, ids=[f"{vendor}-{error.__name__}" for vendor, error in ROWS]
)
def test_no_row_can_be_left_out(
    vendor: str, error: type[FaceError], app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = DIALECTS[vendor]
    rest = {other: row for other, row in module.ERRORS.items() if other is not error}
    monkeypatch.setattr(module, "ERRORS", rest)
    assert answers(module, app) != examples.read(f"errors/{vendor}.json")


def test_the_docstring_draws_the_tree() -> None:
    drawn = [line.strip() for line in (errors.__doc__ or "").splitlines()]
    for error in tree():
        assert error.__name__ in drawn


def test_every_error_is_described_in_one_sentence() -> None:
    for error in tree():
        assert error.__doc__
        assert len(error.__doc__.splitlines()) == 1
