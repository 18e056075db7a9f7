"""Drops files into the inbox of a worker that is killed twice, and checks what became of each.

Some of the files are broken, some are replaced while they wait or are processed. At the end every
photo must have come out once, with the receipt of the file that was dropped last, and every broken
file must lie in quarantine with the reason; nothing else may be left, in hidden folders neither.
Needs the prepared models (`make models`). Exits with 1 where one of this does not hold.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from benchmarks import measure
from tests.e2e import dropped_files
from tests.e2e.dropped_files import Dropper
from tests.local_runner.command_line import Process, started

_TIMEOUT_S = 900.0
_STOP_TIMEOUT_S = 30.0
_LOOK_S = 0.02
_REPLACED = 0.04  # of the files


def main() -> int:
    """Run the command; return 1 when the account is wrong."""
    arguments = _arguments()
    chance = random.Random(arguments.seed)  # noqa: S311 - a story that can be told again
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dropper = Dropper(folder / "data", chance)
        broken = set(chance.sample(range(arguments.files), int(arguments.files * arguments.broken)))
        for number in range(arguments.files):
            drop = dropper.drop_broken if number in broken else dropper.drop_photo
            drop(f"{number % 7}/{number:04}.jpg")
        start = time.perf_counter()
        replaced = _work(folder, dropper, arguments.kills, chance)
        seconds = time.perf_counter() - start
        faults = dropped_files.faults(dropper)
    good = sum(dropped.is_good for dropped in dropper.files.values())
    rows = {
        "photos that came out": good,
        "broken files in quarantine": arguments.files - good,
        "replaced meanwhile": replaced,
        "workers killed": arguments.kills,
        "seconds, starts included": round(seconds, 1),
        "files a second": round((arguments.files + replaced) / seconds, 1),
    }
    table = Table("what", "", title=f"{arguments.files} uploads")
    for what, value in rows.items():
        table.add_row(what, str(value))
    table.add_row("account", "exact" if not faults else f"WRONG: {len(faults)} faults")
    measure.show(table)
    for fault in faults:
        print(fault, file=sys.stderr)
    measure.write({**rows, "faults": faults}, arguments.output)
    return 1 if faults else 0


def _work(folder: Path, dropper: Dropper, kills: int, chance: random.Random) -> int:
    """Let workers process all files, each but the last until it is killed; return the replaced."""
    total = len(dropper.files)
    replaced = 0
    to_kill = sorted(chance.sample(range(total // 10, total - total // 10), kills))
    with measure.progress("uploads", total) as progress:
        for done in [*to_kill, total]:
            with started(folder, "-m", "local_runner", "work") as worker:
                replaced += _watch(worker, dropper, progress, done, chance)
                if done < total:
                    time.sleep(chance.uniform(0, 0.1))  # somewhere in the next files
                    worker.popen.kill()
                else:
                    worker.popen.terminate()
                    worker.popen.wait(_STOP_TIMEOUT_S)
    return replaced


def _watch(
    worker: Process, dropper: Dropper, progress: Progress, done: int, chance: random.Random
) -> int:
    """Wait until so many files are done, and replace some of the others; return how many."""
    end = time.monotonic() + _TIMEOUT_S
    total, replaced, before = len(dropper.files), 0, None
    while (left := dropper.left()) and total - len(left) < done:
        if worker.popen.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the worker does not go on: {worker.log.read_text()[-2000:]}")
        progress.update(progress.task_ids[0], completed=total - len(left))
        if len(left) != before and chance.random() < _REPLACED:
            drop = dropper.drop_broken if chance.random() < 0.2 else dropper.drop_photo
            drop(left[0] if chance.random() < 0.5 else chance.choice(left))  # the first is in work
            replaced += 1
        before = len(left)
        time.sleep(_LOOK_S)
    progress.update(progress.task_ids[0], completed=total - len(left))
    return replaced


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.uploads",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--files", type=int, default=500, help="default 500")
    parser.add_argument("--broken", type=float, default=0.05, help="share (default 0.05)")
    parser.add_argument("--kills", type=int, default=2, help="of workers (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn (default 1)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "uploads.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
