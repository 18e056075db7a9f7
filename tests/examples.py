"""The examples in the vendors' guides, and the operations that they are of."""

import json
from pathlib import Path
from typing import Any

from local_runner import template
from shared.config import ROOT

FOLDER = ROOT / "tests" / "golden"
OURS = {"functions.etri.unknown_path.handler", "functions.nhn.unknown_route.handler"}
"""Functions of an API that its vendor's guide does not have: there is no example of them."""


def operations() -> dict[str, list[str]]:
    """Return the operations of each vendor: the functions of its API in the template, by name."""
    found: dict[str, list[str]] = {}
    for function in template.read():
        if function.routes and function.command not in OURS:
            _, vendor, operation, _ = function.command.split(".")
            found.setdefault(vendor, []).append(operation)
    return found


def unfilled(folder: Path = FOLDER) -> list[str]:
    """Return the examples that `make new-endpoint` started and nobody filled in."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*.json"))
        if "TODO" in path.read_text(encoding="utf-8")
    ]


def read(path: str) -> Any:
    """Return the JSON of a file in the folder of examples."""
    return json.loads((FOLDER / path).read_text(encoding="utf-8"))
