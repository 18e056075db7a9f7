"""Measures a group of 100,000 faces of 20,000 people: its snapshot, its index, and what they spare.

The vectors are made, in the shape of those of real faces (`tests/face_vectors.py`). Searches are
for people of the group, seen anew, and for strangers. The exact scan of the same queries decides
what is right. Before each search a real face is embedded, as in a request: what it leaves in the
caches of the processor is part of what a search costs. The first index of a process takes longer:
it is compiled. Needs the prepared models (`make models`).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from shared.app import App
from shared.config import ROOT
from shared.core import groups, indexing
from shared.core.models import DetectionScale, Group
from shared.index.groups import GroupIndex
from tests import builders, photos
from tests.face_vectors import Population
from tests.shared.index.enrol import enrol

_TENANT, _GROUP = "t", "large"
_LIMIT = 5
_NEVER = 1 << 30  # faces
_CHANGED = 5_000  # half of them removals
_GRAPH_TIMEOUT_S = 300.0
_CONSOLE = Console(stderr=True)


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    population = Population(arguments.people + arguments.queries)
    with tempfile.TemporaryDirectory() as name:
        app = App(builders.settings(Path(name)))
        views = np.repeat(np.arange(arguments.people), arguments.faces // arguments.people)
        group = _fill(app, population.views(np.random.default_rng(1).permutation(views)))
        with _CONSOLE.status("building the index"):
            start = time.perf_counter()
            indexing.update(app.groups, app.index_builder, generation=group.generation, min_faces=1)
            rows = {"building the snapshot and its index, s": time.perf_counter() - start}
        rows |= _blob_sizes(app)
        people = np.arange(arguments.people)[: arguments.queries]
        strangers = arguments.people + np.arange(arguments.queries)
        queries = {
            "people of the group": population.views(people),
            "strangers": population.views(strangers),
        }
        for who, vectors in queries.items():
            rows |= {f"{who}: {what}": v for what, v in _search(app, group, vectors).items()}
        group = _change(app, group, population)
        later = _search(app, group, queries["people of the group"])
        rows |= {f"{_CHANGED} changes later: {what}": value for what, value in later.items()}
        rows |= _fresh_processes(Path(name), arguments.repeats)
    table = Table("what", "", title=f"{arguments.faces} faces of {arguments.people} people")
    for what, value in rows.items():
        table.add_row(what, f"{value:.4f}" if "recall" in what else f"{value:.2f}")
    measure.show(table)
    measure.write(rows, arguments.output)


def _fill(app: App, vectors: NDArray[np.float32]) -> Group:
    groups.create(app.groups, app.sealer, tenant=_TENANT, group_id=_GROUP, model_version="m")
    with _CONSOLE.status("filling the group"):
        enrol(app, app.groups.find(_TENANT, _GROUP), vectors)
    return app.groups.find(_TENANT, _GROUP)


def _change(app: App, group: Group, population: Population) -> Group:
    """Remove some faces and add as many others; return the group as it is then."""
    for face in app.faces.list_page(group, before=None, limit=_CHANGED // 2):
        app.faces.remove(group, face.face_id)
    enrol(app, group, population.anyone(_CHANGED // 2))
    return app.groups.find(_TENANT, _GROUP)


def _blob_sizes(app: App) -> dict[str, float]:
    sizes = {info.key.rpartition("/")[2]: info.size / 1e6 for info in app.snapshots.list()}
    return {f"{part} of the snapshot, MB": sizes[part] for part in ("vectors", "graph")}


def _search(app: App, group: Group, vectors: NDArray[np.float32]) -> dict[str, float]:
    """Return recall and times of searches with the index, and of exact scans."""
    exact = GroupIndex(
        app.faces,
        app.sealer,
        app.snapshot_store,
        max_bytes=1 << 30,
        min_faces=_NEVER,
        metrics=app.metrics,
    )
    _wait_for_graph(app, group, vectors[0])
    exact.search(group, vectors[0], limit=_LIMIT, min_score=-1)
    embed = _embedding(app)
    found, times = [], []
    for vector in vectors:
        embed()
        start = time.perf_counter()
        ids, _ = app.index.search(group, vector, limit=_LIMIT, min_score=-1)
        searched = time.perf_counter()
        app.faces.find_many(group, ids)
        found.append(ids)
        times.append((searched - start, time.perf_counter() - start))
    right, scans = [], []
    for vector in vectors:
        embed()
        start = time.perf_counter()
        right.append(exact.search(group, vector, limit=_LIMIT, min_score=-1)[0])
        scans.append(time.perf_counter() - start)
    hits = sum(len(set(a) & set(b)) for a, b in zip(found, right, strict=True))
    searches, wholes = zip(*times, strict=True)
    search, whole, scan = (1000 * statistics.median(t) for t in (searches, wholes, scans))
    return {
        f"recall@{_LIMIT}": hits / _LIMIT / len(vectors),
        "search p50, ms": search,
        "with the faces read from the store p50, ms": whole,
        "search p99, ms": 1000 * float(np.percentile(searches, 99)),
        "exact scan p50, ms": scan,
        "exact scan, times the search": scan / search,
    }


def _embedding(app: App) -> Callable[[], object]:
    """Return what embeds a real face."""
    photo = app.images.decode(photos.astronaut_jpeg())
    face = app.detector.detect(photo, scale=DetectionScale.RECOGNITION)[0]
    embedder = app.recognitions.of(app.model_version).embedder
    return lambda: embedder.embed(photo, [face])


def _wait_for_graph(app: App, group: Group, vector: NDArray[np.float32]) -> None:
    index = app.index
    assert isinstance(index, GroupIndex)  # noqa: S101 - for the type checker
    end = time.monotonic() + _GRAPH_TIMEOUT_S
    with _CONSOLE.status("waiting for the index"):
        while not index.is_ready(group):
            index.search(group, vector, limit=1, min_score=1)
            if time.monotonic() > end:
                raise TimeoutError("the index was not loaded")
            time.sleep(0.05)


_FRESH = """
import sys, time
import numpy as np
from pathlib import Path
from shared.app import App
from tests import builders, photos
settings = builders.settings(Path(sys.argv[1]), INDEX_MIN_FACES=sys.argv[2])
app = App(settings)
group = app.groups.find("t", "large")
face = app.faces.list_page(group, before=None, limit=1)[0]
vector = app.sealer.open(group, face.face_id, face.sealed_vector)
app.index, app.snapshot_store
def search():
    start = time.perf_counter()
    ids, _ = app.index.search(group, vector, limit=5, min_score=-1)
    assert ids[0] == face.face_id
    return time.perf_counter() - start
first = search()
second = search()
ready = time.perf_counter()
while sys.argv[2] == "1000" and not app.index.is_ready(group):
    time.sleep(0.01)
print(first, second, time.perf_counter() - ready)
"""


def _fresh_processes(folder: Path, repeats: int) -> dict[str, float]:
    """Return what a first search costs in a fresh process, by snapshot and row by row, in turns."""
    results: dict[str, list[list[float]]] = {"1000": [], str(_NEVER): []}
    with _CONSOLE.status("starting processes"):
        for _ in range(repeats):
            for min_faces, lines in results.items():
                printed = subprocess.run(
                    [sys.executable, "-c", _FRESH, str(folder), min_faces],
                    cwd=ROOT, check=True, capture_output=True, text=True,
                ).stdout  # fmt: skip
                lines.append([float(text) for text in printed.split()])
    snapshot, by_row = (np.median(lines, axis=0) for lines in results.values())
    return {
        "fresh process, first search from the snapshot, s": float(snapshot[0]),
        "the same from all rows, s": float(by_row[0]),
        "all rows, times the snapshot": float(by_row[0] / snapshot[0]),
        "fresh process, next search, exact meanwhile, ms": 1000 * float(snapshot[1]),
        "fresh process, index ready after, s": float(snapshot[2]),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_group",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faces", type=int, default=97_500, help="default 97500: room for more")
    parser.add_argument("--people", type=int, default=19_500, help="default 19500")
    parser.add_argument("--queries", type=int, default=1000, help="of each kind (default 1000)")
    parser.add_argument("--repeats", type=int, default=5, help="fresh processes (default 5)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "large_group.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
