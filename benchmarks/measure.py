"""Timing, and what every measurement does with its results."""

import contextlib
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

BENCH = Path(".bench")

_NARROWEST = 120  # characters


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Return the median duration of a call in milliseconds, after one that is not counted."""
    call()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


def use_cores(count: int) -> None:
    """Confine this process, and those it starts, to some cores.

    Raises:
        ValueError: the machine has fewer.
    """
    cores = sorted(os.sched_getaffinity(0))
    if count > len(cores):
        raise ValueError(f"this machine has {len(cores)} cores, not {count}")
    os.sched_setaffinity(0, cores[:count])


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Progress]:
    """Show a bar, with one task, until the block ends."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        bar.add_task(what, total=total)
        yield bar


def show(table: Table) -> None:
    """Print a table, wide enough to be read also where the output is a file."""
    console = Console()
    console.width = max(console.width, _NARROWEST)
    console.print(table)


def write(results: object, path: Path) -> None:
    """Write results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
