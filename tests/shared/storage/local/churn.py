"""A process that adds and removes faces of one group, over and over.

Run as `python -m tests.shared.storage.local.churn FOLDER` it continues until it is killed, and
writes a line for each stored change: `+ID` for an added face, `-ID` for a removed one, or `full`.
"""

import random
import sys
from collections.abc import Iterator
from itertools import islice
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.shared.storage.stores import sqlite_store

CAPACITY = 12  # of the group that processes share


def churn(folder: Path, seed: int, capacity: int) -> Iterator[str]:
    """Add up to three faces and remove about as many, without end; yield the stored changes."""
    store = sqlite_store(folder)
    group = store.groups.get("t", "g")
    chance = random.Random(seed)  # noqa: S311 - a story that can be repeated
    mine: list[str] = []
    while True:
        added = [face.face_id for face in store.add(group, chance.randint(1, 3), capacity)]
        mine += added
        yield from (f"+{face_id}" for face_id in added) if added else ["full"]
        while mine and chance.random() < 0.6:
            face_id = mine.pop(chance.randrange(len(mine)))
            store.faces.remove(group, face_id)
            yield f"-{face_id}"


def churn_together(
    folder: Path, seed: int, start: Barrier, most_faces_seen: "SimpleQueue[int]"
) -> None:
    """Take 60 steps as soon as all are ready; put the greatest count that was seen."""
    store = sqlite_store(folder)
    story = churn(folder, seed, CAPACITY)
    start.wait(timeout=60)
    counts = [store.groups.get("t", "g").face_count for _ in islice(story, 60)]
    most_faces_seen.put(max(counts))


if __name__ == "__main__":
    for line in churn(Path(sys.argv[1]), seed=0, capacity=1000):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
