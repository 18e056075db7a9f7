"""The pages name what exists: files, headings, commands, targets, settings, endpoints."""

import re
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from local_runner import template
from local_runner.settings import RunnerSettings
from shared.config import ROOT, Settings
from tests.markdown import Page, pages

pytestmark = pytest.mark.integration  # it starts processes

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CODE = [line for path in pages() for line in Page.read(path).code]


@cache
def commands(*words: str) -> set[str]:
    """Return the commands that the command line knows below these words."""
    done = subprocess.run(
        [sys.executable, "-m", "local_runner", *words, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(re.findall(r"^    ([a-z][a-z-]+)\b", done.stdout, re.MULTILINE))


def test_the_table_of_endpoints_is_the_template() -> None:
    table = (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| `([\w.]+)` \|", table, re.MULTILINE)
    routes = [
        (route.method, route.path, function.command)
        for function in template.read()
        for route in function.routes
    ]
    assert routes
    assert sorted(rows) == sorted(routes)


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    broken = []
    for target, anchor in Page.read(path).relative_links:
        if not target.exists() or (anchor and anchor not in Page.read(target).anchors):
            broken.append(f"{target.relative_to(ROOT)}#{anchor}")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            targets = [target for target, _ in Page.read(page).relative_links]
            folders = [target for target in targets if target.is_dir()]
            waiting += [target for target in targets if target.suffix == ".md"]
            waiting += [found for folder in folders for found in folder.glob("*.md")]
    assert set(pages()) - reached == set()


def test_every_make_target_exists() -> None:
    named = {target for line in CODE for target in re.findall(r"(?:^|\s)make ([a-z][\w-]*)", line)}
    targets = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
    assert len(named) > 5
    assert named - targets == set()


def test_every_module_that_is_run_exists() -> None:
    named = {module for line in CODE for module in re.findall(r"python -m ([\w.]+)", line)}
    missing = {
        module
        for module in named
        for place in [ROOT / module.replace(".", "/")]
        if not place.with_suffix(".py").exists() and not (place / "__main__.py").exists()
    }
    assert len(named) > 10
    assert missing == set()


def test_every_command_of_the_runner_exists() -> None:
    pattern = r"python -m local_runner ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?"
    named = {found for line in CODE for found in re.findall(pattern, line)}
    assert len(named) > 8
    for command, action in named:
        assert command in commands()
        assert not (action and commands(command)) or action in commands(command)


def test_every_setting_exists() -> None:
    """Settings are the names in capitals that are set (`PORT=80`), or that have an underscore."""
    settings = {field.name.upper() for kind in (Settings, RunnerSettings) for field in fields(kind)}
    of_make = set(re.findall(r"\$\(([A-Z]+)\)|^([A-Z]+) \?=", MAKEFILE, re.MULTILINE))
    known = settings | {name for pair in of_make for name in pair}
    spans = [
        span for path in pages() if path.name != "CHANGELOG.md" for span in Page.read(path).spans
    ]
    named = {
        name
        for span in spans
        for name in re.findall(r"^[A-Z]+(?:_[A-Z]+)+(?=$|=)|(?<!\S)[A-Z]+(?==)", span)
    } | {
        pair.split("=")[0]
        for line in CODE
        for found in re.findall(r"^((?:[A-Z_]+=[^\s$]+ )+)", line)
        for pair in found.split()
    }
    assert len(named & settings) > 30
    assert named - known == set()
