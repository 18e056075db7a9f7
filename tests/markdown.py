"""The parts of a Markdown page that tests compare with the code, and with other pages."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from shared.config import ROOT

_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@dataclass(frozen=True)
class Page:
    """One page, read from `path`."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> "Page":
        return cls(path, path.read_text(encoding="utf-8"))

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[str]:
        """The contents of the code blocks, in their order."""
        return _FENCE.findall(self.text)

    @property
    def spans(self) -> list[str]:
        """The contents of the inline code, in its order; a line break counts as a space."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    @property
    def code(self) -> list[str]:
        """The lines of the code blocks, and the inline code."""
        return [line for block in self.blocks for line in block.splitlines()] + self.spans

    @property
    def links(self) -> list[str]:
        """The targets of links and images, as they are written."""
        return _LINK.findall(self.prose)

    @property
    def relative_links(self) -> list[tuple[Path, str]]:
        """The file and the anchor (or "") of every link into this repository."""
        found = []
        for link in self.links:
            if not re.match(r"[a-z]+:", link):
                file, _, anchor = link.partition("#")
                target = (self.path.parent / file).resolve() if file else self.path
                found.append((target, anchor))
        return found

    @property
    def headings(self) -> list[tuple[int, str]]:
        """The level and the text of every heading."""
        return [(len(marks), text) for marks, text in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> list[str]:
        """The anchor that GitHub gives to each heading."""
        seen: Counter[str] = Counter()
        anchors = []
        for _, text in self.headings:
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            anchors.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        return anchors

    @property
    def sections(self) -> list["Page"]:
        """The page cut before each heading; the part before the first one comes first."""
        return [Page(self.path, part) for part in re.split(r"^(?=#+ )", self._quoted, flags=re.M)]

    @property
    def _quoted(self) -> str:
        """The text, with a space before each line of a code block that looks like a heading."""
        return _FENCE.sub(lambda block: re.sub(r"^#", " #", block[0], flags=re.M), self.text)

    @property
    def tables(self) -> list[list[list[str]]]:
        """The cells of every row of every table."""
        tables: list[list[list[str]]] = [[]]
        for line in self.prose.splitlines():
            if line.startswith("|"):
                tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
            elif tables[-1]:
                tables.append([])
        return [table for table in tables if table]
