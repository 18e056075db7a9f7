"""What the command of each benchmark has: options, tables, and a JSON file of its results."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

BENCH = Path(".bench")
PAIRS_HELP = "a csv of pairs (same,a,b), or a folder like LFW's"

_MIN_WIDTH = 140  # characters


class _HelpFormatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keeps the paragraphs of the description, and appends the defaults of options."""


def parser(file: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of the benchmark in this file; `--output` is its first option."""
    name = Path(file).stem
    created = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=description, formatter_class=_HelpFormatter
    )
    output = BENCH / f"{name}.json"
    created.add_argument(
        "--output", type=Path, default=output, help="where the results are written"
    )
    return created


def table(
    title: str, headings: Iterable[str], rows: Iterable[Iterable[object]], *, digits: int = 2
) -> Table:
    """Return a table; all columns but the first are aligned to the right, and floats rounded."""
    created = Table(title=title)
    for number, heading in enumerate(headings):
        created.add_column(heading, justify="right" if number else "left")
    for row in rows:
        created.add_row(*(f"{v:.{digits}f}" if isinstance(v, float) else str(v) for v in row))
    return created


def records(title: str, rows: Sequence[Mapping[str, object]], *, digits: int = 2) -> Table:
    """Return a table of rows with the same keys, which are its headings."""
    return table(title, rows[0], (row.values() for row in rows), digits=digits)


def report(path: Path, results: object, *tables: Table) -> None:
    """Print tables, wide enough to be read in a file as well, and write results as JSON."""
    console = Console()
    console.width = max(console.width, _MIN_WIDTH)
    for shown in tables:
        console.print(shown)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def verdict(path: Path, title: str, rows: Mapping[str, object], faults: Sequence[str]) -> int:
    """Report figures and what was found to be wrong; return the exit status, 1 if anything was."""
    judgement = f"WRONG: {len(faults)} faults" if faults else "exact"
    lines = [*rows.items(), ("account", judgement)]
    report(path, {**rows, "faults": faults}, table(title, ("", "value"), lines))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0
