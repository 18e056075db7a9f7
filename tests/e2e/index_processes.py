"""Processes that build the snapshots of a group, change it, and search it, without compiling anew.

Run as `python -m tests.e2e.index_processes` it compiles what searches groups, once, says `ready`,
and then reads lines `WHAT FOLDER SEED`: for each it forks a process that works on that folder with
an App of its own, and says `WHAT FOLDER PID`. A fork has the compiled code and no other state.

- `build` makes one snapshot of the group after the other, until it is killed.
- `change` adds and removes faces until it is killed, and appends to the file `told` in the folder
  what is stored: `+ID` a face added, `-ID` a face removed, `?ID` one whose removal begins.
- `search` writes `found.json`: all faces that a search finds, and what a search through the graph
  takes some of them for.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from harness import builders
from harness.face_vectors import Population
from harness.stored_faces import enrol
from shared.app import App
from shared.core.recognition import faces as faces_core
from shared.core.recognition.models import Group
from shared.index import ann, codes
from shared.index.groups import GroupIndex

TENANT, GROUP = "t", "g"
_COMPILED_WITH = 300  # vectors
_MIN, _MAX = 900, 1100  # faces that changes keep to
_PAUSE_S = 0.004  # after each change, so that an index is not out of date when it is built
_NEAREST = 5


def open_app(folder: Path) -> App:
    """Return the App of a process: groups of 100 faces have snapshots, and graphs."""
    return App(builders.settings(folder, INDEX_MIN_FACES="100", GRAPH_MIN_FACES="100"))


def the_group(app: App) -> Group:
    """Return the group as it is now."""
    return app.groups.get(TENANT, GROUP)


def _build(folder: Path, _seed: int) -> None:
    app = open_app(folder)
    while True:
        app.index_builder.build(the_group(app))


def _change(folder: Path, seed: int) -> None:
    app = open_app(folder)
    group = the_group(app)
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    population = Population(people=100, seed=seed)
    mine: list[str] = []
    with (folder / "told").open("a") as told:

        def tell(sign: str, *face_ids: str) -> None:
            told.writelines(f"{sign}{face_id}\n" for face_id in face_ids)
            told.flush()

        while True:
            added = enrol(app, group, population.anyone(chance.randint(1, 9) if mine else _MIN))
            tell("+", *added)
            mine += added
            while len(mine) > _MAX or (len(mine) > _MIN and chance.random() < 0.8):
                time.sleep(_PAUSE_S)
                face_id = mine.pop(chance.randrange(len(mine)))
                tell("?", face_id)
                app.faces.remove(group, face_id)
                tell("-", face_id)


def _search(folder: Path, seed: int) -> None:
    app = open_app(folder)
    group = the_group(app)
    query = Population(people=1, seed=seed).anyone()[0]
    found, _ = app.index.search(group, query, limit=faces_core.CAPACITY, min_score=-1.0)
    taken_for = {}
    _load_graph(app, group)
    for face in app.faces.list_page(group, before=None, limit=faces_core.CAPACITY):
        vector = app.sealer.open(group, face.face_id, face.sealed_vector)
        (nearest, *_), _scores = app.index.search(group, vector, limit=_NEAREST, min_score=-1.0)
        taken_for[face.face_id] = nearest
    partial = folder / "found.partial"
    partial.write_text(json.dumps({"found": found, "taken_for": taken_for}))
    partial.rename(folder / "found.json")


def _load_graph(app: App, group: Group) -> None:
    index = app.index
    assert isinstance(index, GroupIndex)
    (vectors,) = index._groups.values()
    index._refresh(group, vectors)
    assert vectors.has_graph


def _compile() -> None:
    vectors = Population(people=50).anyone(_COMPILED_WITH)
    order, pickled = ann.build(vectors)
    ann.load(pickled, np.ascontiguousarray(vectors[order]))
    codes.Codes(vectors)


def main() -> None:
    """Fork until standard input ends."""
    _compile()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    _say("ready")
    for line in sys.stdin:
        what, folder, seed = line.split()
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _WORK[what](Path(folder), int(seed))
            os._exit(0)
        _say(f"{what} {folder} {pid}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_WORK = {"build": _build, "change": _change, "search": _search}


if __name__ == "__main__":
    main()
