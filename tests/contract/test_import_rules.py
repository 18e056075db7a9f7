"""The import rules of pyproject.toml hold, and each of them notices an import that breaks it."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from shared.config import ROOT

LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "tool"
]["importlinter"]
PACKAGES: list[str] = LINTER["root_packages"]
ALLOWLIST, *OTHERS = LINTER["contracts"]
LAYERS: dict[str, list[str]] = ALLOWLIST["layers"]
pytestmark = pytest.mark.integration  # it starts processes

UNNAMED = "a_package_that_nobody_names"
NAMES = {UNNAMED, *LAYERS, *ALLOWLIST["named_standard_modules"], *chain(*LAYERS.values())}


def copy_of_the_code(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package,
            ignore=lambda parent, names: {
                name for name in names if not (name.endswith(".py") or Path(parent, name).is_dir())
            },
        )  # fmt: skip
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> list[str]:
    """Return what import-linter says about the code in a folder, line by line."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=folder, env={"COLUMNS": "1000"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def broken(said: list[str]) -> set[str]:
    """Return the names of the contracts that are broken."""
    return {line.partition(" BROKEN")[0] for line in said if " BROKEN" in line}


def source_of(module: str, folder: Path) -> Path:
    path = folder.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What each layer is refused where it imports everything: libraries, and layers as types."""
    folder = copy_of_the_code(tmp_path_factory.mktemp("everything"))
    for layer in LAYERS:
        lines = ["from typing import TYPE_CHECKING", "if TYPE_CHECKING:"]
        lines += [f"    import {name}" for name in LAYERS if name != layer]
        lines += ["def never_called():"]
        lines += [f"    import {name}" for name in NAMES - LAYERS.keys()]
        with source_of(layer, folder).open("a", encoding="utf-8") as file:
            file.write("\n".join(["", *lines, ""]))
    found = defaultdict(set)
    for line in lint(folder):
        if match := re.fullmatch(r"\S+:\d+: (\S+) may not import (\S+)", line):
            found[match[1]].add(match[2])
    return found


def test_the_rules_hold() -> None:
    said = lint(ROOT)
    assert len([line for line in said if " KEPT" in line]) == len(LINTER["contracts"]), said


def test_the_rules_are_about_all_the_code_but_the_tests() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == {*PACKAGES, "tests"}
    (circles,) = [contract for contract in OTHERS if contract["type"] == "acyclic_siblings"]
    assert circles["ancestors"] == PACKAGES


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_it_names(layer: str, refused: dict[str, set[str]]) -> None:
    assert UNNAMED in refused[layer]
    assert refused[layer] == NAMES - {layer, *LAYERS[layer]}


def test_code_of_no_layer_is_refused(tmp_path: Path) -> None:
    folder = copy_of_the_code(tmp_path)
    rules = folder / "pyproject.toml"
    rules.write_text(re.sub(r'^"tools" = \[.+?\]\n', "", rules.read_text(), flags=re.S | re.M))
    said = lint(folder)
    assert broken(said) == {ALLOWLIST["name"]}
    assert "tools.requirements belongs to no layer" in said


BREAKS = {
    "In core, numpy is for geometry, similarity and vectors, or for their types": (
        "shared.core.recognition.groups",
        "import numpy",
    ),
    "No dialect knows another": (
        "functions.etri.face_deid",
        "import functions.nhn._dialect",
    ),
    "Nothing imports in a circle": (
        "shared.core.errors",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shared.core.deadline",
    ),
}


@pytest.mark.parametrize("name", [contract["name"] for contract in OTHERS])
def test_a_rule_notices_what_breaks_it(name: str, tmp_path: Path) -> None:
    folder = copy_of_the_code(tmp_path)
    module, lines = BREAKS[name]
    with source_of(module, folder).open("a", encoding="utf-8") as file:
        file.write(f"\n{lines}\n")
    assert broken(lint(folder)) == {name}
