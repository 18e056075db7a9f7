"""The Korean pages match the English ones: structure, tables, code, links and figures."""

import re
from collections import Counter
from pathlib import Path

import pytest

from shared.config import ROOT
from tests.markdown import Page

DIALECTS = sorted(path.name for path in (ROOT / "docs" / "dialects").glob("*.md"))
PAIRS = [
    (ROOT / "README.md", ROOT / "README.ko.md"),
    *((ROOT / "docs" / "dialects" / name, ROOT / "docs" / "ko" / name) for name in DIALECTS),
]
ENGLISH = {korean: english for english, korean in PAIRS}

each_pair = pytest.mark.parametrize(
    ("english", "korean"),
    [(Page.read(english), Page.read(korean)) for english, korean in PAIRS],
    ids=[english.stem for english, _ in PAIRS],
)


def sections(english: Page, korean: Page) -> list[tuple[Page, Page]]:
    pairs = list(zip(english.sections, korean.sections, strict=True))
    assert len(pairs) > 2
    return pairs


def without_comments(block: str) -> str:
    """Return a code block without what may be translated in it."""
    return re.sub(r" +# .*$", "", block, flags=re.MULTILINE)


def targets(page: Page) -> Counter[tuple[Path, int | None]]:
    """Return where links lead: the English page, and the number of the heading there."""
    return Counter(
        (ENGLISH.get(file, file), Page.read(file).anchors.index(anchor) if anchor else None)
        for file, anchor in page.relative_links
    )


def figures(text: str) -> Counter[str]:
    """Return the numbers outside of code and of the targets of links."""
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"`[^`\n]+`|\]\([^)]*\)", "", text)))


def test_every_dialect_and_nothing_else_is_translated() -> None:
    assert DIALECTS
    assert sorted(path.name for path in (ROOT / "docs" / "ko").rglob("*")) == DIALECTS


@each_pair
def test_has_the_same_headings(english: Page, korean: Page) -> None:
    assert [level for level, _ in korean.headings] == [level for level, _ in english.headings]


@each_pair
def test_links_to_the_other_language_at_the_top(english: Page, korean: Page) -> None:
    for page, other in ((english, korean), (korean, english)):
        assert page.text.split("\n")[2].startswith(("English · [", "[English]("))
        assert page.relative_links[0] == (other.path, "")


@each_pair
def test_has_the_same_tables(english: Page, korean: Page) -> None:
    for ours, theirs in sections(english, korean):
        assert len(theirs.tables) == len(ours.tables)
        for table, translated in zip(ours.tables, theirs.tables, strict=True):
            assert [len(row) for row in translated] == [len(row) for row in table]
            for row, translated_row in zip(table, translated, strict=True):
                for cell, translated_cell in zip(row, translated_row, strict=True):
                    assert bool(translated_cell) == bool(cell), row
                    if re.fullmatch(r"`[^`]+`", cell):
                        assert translated_cell == cell
                    assert sorted(re.findall(r"`[^`]+`", translated_cell)) == sorted(
                        re.findall(r"`[^`]+`", cell)
                    )
                    assert figures(translated_cell) == figures(cell), row


@each_pair
def test_has_the_same_code(english: Page, korean: Page) -> None:
    for ours, theirs in sections(english, korean):
        assert list(map(without_comments, theirs.blocks)) == list(
            map(without_comments, ours.blocks)
        )
        assert Counter(theirs.spans) == Counter(ours.spans)


@each_pair
def test_has_the_same_links(english: Page, korean: Page) -> None:
    for ours, theirs in sections(english, korean):
        assert targets(theirs) == targets(ours)


@each_pair
def test_has_the_same_figures(english: Page, korean: Page) -> None:
    for ours, theirs in sections(english, korean):
        assert figures(theirs.prose) == figures(ours.prose)
