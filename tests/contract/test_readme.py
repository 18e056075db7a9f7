"""README.md says what is true."""

import re
from pathlib import Path

import pytest

from local_runner import template
from shared.config import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_table_of_endpoints_is_the_template() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| `([\w.]+)` \|", README, re.MULTILINE)
    routes = [
        (route.method, route.path, function.command)
        for function in template.read()
        for route in function.routes
    ]
    assert sorted(rows) == sorted(routes)


def test_every_make_target_it_names_exists() -> None:
    for target in set(re.findall(r"`make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (document.parent / link).exists(), link
