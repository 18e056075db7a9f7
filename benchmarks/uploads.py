"""Drops files into the inbox of a worker that is killed twice, and checks what became of each.

Some files are broken, some are replaced while they wait or are processed. At the end every photo
must have exactly one output, with the receipt of the file that was dropped last, and every broken
file must be in quarantine with a reason; nothing else may be left, in hidden folders either. Needs
the prepared models (`make models`). Exits with 1 if any of this does not hold.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import Progress

from benchmarks import command
from harness import dropped_files
from harness.command_line import Process, started
from harness.dropped_files import Dropper

_TIMEOUT_S = 900.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.02
_REPLACED = 0.04  # of the files


def main() -> int:
    """Run the command; return 1 if anything is wrong."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--files", type=int, default=500, help="number of files")
    parser.add_argument("--broken", type=float, default=0.05, help="share of broken files")
    parser.add_argument("--kills", type=int, default=2, help="number of workers killed")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - repeatable
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
        "replaced while waiting": replaced,
        "workers killed": arguments.kills,
        "seconds, starts included": round(seconds, 1),
        "files a second": round((arguments.files + replaced) / seconds, 1),
    }
    return command.verdict(arguments.output, f"{arguments.files} uploads", rows, faults)


def _work(folder: Path, dropper: Dropper, kills: int, chance: random.Random) -> int:
    """Let workers process all files and kill all but the last; return the number of replaced."""
    total = len(dropper.files)
    replaced = 0
    to_kill = sorted(chance.sample(range(total // 10, total - total // 10), kills))
    with Progress() as progress:
        progress.add_task("uploads", total=total)
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
    """Replace some of the files until this many are done; return the number of replaced."""
    end = time.monotonic() + _TIMEOUT_S
    total, replaced, before = len(dropper.files), 0, None
    while (left := dropper.left()) and total - len(left) < done:
        if worker.popen.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the worker has stopped: {worker.log.read_text()[-2000:]}")
        progress.update(progress.task_ids[0], completed=total - len(left))
        if len(left) != before and chance.random() < _REPLACED:
            drop = dropper.drop_broken if chance.random() < 0.2 else dropper.drop_photo
            drop(left[0] if chance.random() < 0.5 else chance.choice(left))  # the first is in work
            replaced += 1
        before = len(left)
        time.sleep(_POLL_S)
    progress.update(progress.task_ids[0], completed=total - len(left))
    return replaced


if __name__ == "__main__":
    sys.exit(main())
