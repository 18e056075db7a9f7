"""Measures how long calls take."""

import os
import statistics
import time
from collections.abc import Callable, Mapping

Calls = Mapping[str, Callable[[], object]]


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Return the median duration of a call in milliseconds, after one that is not counted."""
    call()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


def medians_in_turns(calls: Calls, repeats: int, rounds: int) -> dict[str, float]:
    """Return the median of each call's medians in milliseconds.

    The calls take turns, so that a slow minute of the machine slows all of them.
    """
    measured = [
        {name: median_ms(call, repeats) for name, call in calls.items()} for _ in range(rounds)
    ]
    return {name: statistics.median(each[name] for each in measured) for name in calls}


def use_cores(count: int) -> None:
    """Confine this process and its children to this many cores.

    Raises:
        ValueError: the machine has fewer.
    """
    cores = sorted(os.sched_getaffinity(0))
    if count > len(cores):
        raise ValueError(f"this machine has {len(cores)} cores, not {count}")
    os.sched_setaffinity(0, cores[:count])
