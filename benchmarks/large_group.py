"""Measures a group of 100,000 faces of 20,000 people: its snapshot, its searches, and the savings.

The vectors are made, in the shape of those of real faces (`tests/face_vectors.py`); with --pairs
they are held against the vectors of real ones. Searches are for people of the group, seen anew,
and for strangers, for faces of a similarity of 70 or more. numpy's products of the same queries
with all vectors decide what is right.

Each search is made twice, after a real face was embedded as in a request, which leaves little of
the group in the caches of the processor, and at once again (`warm`). In turns with it the same is
asked of an index without a snapshot, which multiplies all rows, and of bare numpy. The times of
single searches are the processor's, which other work on the machine disturbs least. Needs the
prepared models (`make models`).

With --graph the group is searched through a graph, as from GRAPH_MIN_FACES on: to build one takes
minutes.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import measure, pairs
from benchmarks.accuracy import describe
from benchmarks.similarity import person_of
from shared.app import App
from shared.config import ROOT, Settings
from shared.core.photos.models import DetectionProfile
from shared.core.recognition import groups, indexing
from shared.core.recognition.models import Group
from shared.core.recognition.ports import FaceIndex
from shared.index.groups import GroupIndex
from tests import builders, photos
from tests.face_vectors import Population
from tests.shared.index.enrol import enrol

_TENANT, _GROUP = "t", "large"
_LIMITS = (5, 20)
_SIMILARITY = 70.0
_CALLERS = 4
_NEVER = 1 << 30  # faces
_CHANGED = 0.05  # of the faces, half of it by removals
_READY_TIMEOUT_S = 300.0
_SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)  # of pairs of different people
_SAME_SHARES = (0.01, 0.1, 0.5, 0.9)
_DIRECTIONS = (1, 16, 32, 64, 96)
_DRAWS = 8
_CONSOLE = Console(stderr=True)

Search = Callable[[NDArray[np.float32], int], list[str]]


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    results = {"group": _measure(arguments)}
    if arguments.pairs:
        results["shape"] = _compare_shapes(arguments.pairs)
    for title, rows in results.items():
        table = Table("what", "", title=title)
        for what, value in rows.items():
            table.add_row(what, f"{value:.4f}" if _is_share(what) else f"{value:.2f}")
        measure.show(table)
    measure.write(results, arguments.output)


def _is_share(what: str) -> bool:
    return "recall" in what or "cosine" in what or "variance" in what


def _measure(arguments: argparse.Namespace) -> dict[str, float]:
    population = Population(arguments.people + arguments.queries)
    with tempfile.TemporaryDirectory() as name:
        graph_min_faces = 1000 if arguments.graph else _NEVER
        least = {"INDEX_MIN_FACES": "1000", "GRAPH_MIN_FACES": str(graph_min_faces)}
        app = App(builders.settings(Path(name), **least))
        views = np.repeat(np.arange(arguments.people), arguments.faces // arguments.people)
        vectors = population.views(np.random.default_rng(1).permutation(views))
        group, face_ids = _fill(app, vectors)
        with _CONSOLE.status("making the snapshot"):
            start = time.perf_counter()
            indexing.update(app.groups, app.index_builder, generation=group.generation, min_faces=1)
            rows = {"faces": float(len(face_ids)), "snapshot, s": time.perf_counter() - start}
        rows |= _blob_sizes(app)
        searches = _searches(app, group, vectors, face_ids)
        queries = {
            "people": population.views(np.arange(arguments.people)[: arguments.queries]),
            "strangers": population.views(arguments.people + np.arange(arguments.queries)),
        }
        for who, asked in queries.items():
            for limit in _LIMITS:
                found = _search(app, searches, asked, limit)
                rows |= {f"{who}, limit {limit}: {what}": v for what, v in found.items()}
        rows |= _many_callers(searches, queries["strangers"])
        group = _change(app, group, population, round(arguments.faces * _CHANGED / 2))
        now = partial(_by_index, app, app.index, group)
        later = _timed(now, queries["people"], _LIMITS[0])
        rows[f"after changes of {_CHANGED:.0%}: people, limit {_LIMITS[0]}: search, ms"] = later
        rows |= _fresh_processes(Path(name), arguments.repeats, graph_min_faces)
    return rows


def _fill(app: App, vectors: NDArray[np.float32]) -> tuple[Group, list[str]]:
    groups.create(app.groups, app.sealer, tenant=_TENANT, group_id=_GROUP, model_version="m")
    with _CONSOLE.status("filling the group"):
        face_ids = enrol(app, app.groups.get(_TENANT, _GROUP), vectors)
    return app.groups.get(_TENANT, _GROUP), face_ids


def _change(app: App, group: Group, population: Population, count: int) -> Group:
    """Remove some faces and add as many others; return the group as it is then."""
    for face in app.faces.list_page(group, before=None, limit=count):
        app.faces.remove(group, face.face_id)
    enrol(app, group, population.anyone(count))
    return app.groups.get(_TENANT, _GROUP)


def _blob_sizes(app: App) -> dict[str, float]:
    sizes = {info.key.rpartition("/")[2]: info.size / 1e6 for info in app.snapshots.list()}
    del sizes["manifest"]
    return {f"{part} of the snapshot, MB": size for part, size in sizes.items()}


def _searches(
    app: App, group: Group, vectors: NDArray[np.float32], face_ids: list[str]
) -> dict[str, Search]:
    """Return the search of the product, that of an index without a snapshot, and bare numpy's."""
    no_snapshot = GroupIndex(
        app.faces,
        app.sealer,
        app.snapshot_store,
        max_bytes=1 << 30,
        min_faces=_NEVER,
        graph_min_faces=_NEVER,
        metrics=app.metrics,
    )
    least = _least(app)

    def bare(vector: NDArray[np.float32], limit: int) -> list[str]:
        scores = vectors @ vector
        best = np.argpartition(-scores, limit)[:limit]
        best = best[np.argsort(-scores[best])]
        return [face_ids[row] for row in best if scores[row] >= least]

    searches: dict[str, Search] = {
        "search": partial(_by_index, app, app.index, group),
        "all rows multiplied": partial(_by_index, app, no_snapshot, group),
        "bare numpy": bare,
    }
    for search in searches.values():
        search(vectors[0], 1)
    _wait_until_ready(app, group)
    return searches


def _by_index(
    app: App, index: FaceIndex, group: Group, vector: NDArray[np.float32], limit: int
) -> list[str]:
    return index.search(group, vector, limit=limit, min_score=_least(app))[0]


def _least(app: App) -> float:
    """Return the cosine of a similarity of 70."""
    return app.recognizers.get(app.model_version).calibration.score(_SIMILARITY)


def _search(
    app: App, searches: dict[str, Search], vectors: NDArray[np.float32], limit: int
) -> dict[str, float]:
    """Return the recall of the product's search, and the times of all searches, in turns."""
    embed = _embedding(app)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in searches}
    hits = wanted = 0
    for vector in vectors:
        found = {}
        for name, search in searches.items():
            embed()
            start = time.thread_time()
            found[name] = search(vector, limit)
            cold = time.thread_time() - start
            search(vector, limit)
            times[name].append((cold, time.thread_time() - start - cold))
        right = set(found["bare numpy"])
        hits += len(right & set(found["search"]))
        wanted += len(right)
    rows = {"recall": hits / wanted}
    for name, taken in times.items():
        cold_ms, warm_ms = 1000 * np.median(taken, axis=0)
        rows |= {f"{name}, ms": float(cold_ms), f"{name}, warm, ms": float(warm_ms)}
    slowest = np.percentile([cold for cold, _ in times["search"]], 99)
    return rows | {"search p99, ms": 1000 * float(slowest)}


def _many_callers(searches: dict[str, Search], vectors: NDArray[np.float32]) -> dict[str, float]:
    """Return how long searches take where several threads ask at once, all together, for each."""
    rows = {}
    for name, search in searches.items():
        with ThreadPoolExecutor(_CALLERS) as pool:
            start = time.perf_counter()
            list(pool.map(search, vectors, [_LIMITS[0]] * len(vectors)))
            seconds = time.perf_counter() - start
        rows[f"{_CALLERS} callers at once: {name}, ms each"] = 1000 * seconds / len(vectors)
    return rows


def _timed(search: Search, vectors: NDArray[np.float32], limit: int) -> float:
    return float(np.median([measure.median_ms(partial(search, v, limit), 1) for v in vectors]))


def _embedding(app: App) -> Callable[[], object]:
    """Return what embeds a real face."""
    photo = app.codec.decode(photos.astronaut_jpeg())
    face = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[0]
    embedder = app.recognizers.get(app.model_version).embedder
    return lambda: embedder.embed(photo, [face])


def _wait_until_ready(app: App, group: Group) -> None:
    index = app.index
    assert isinstance(index, GroupIndex)  # noqa: S101 - for the type checker
    end = time.monotonic() + _READY_TIMEOUT_S
    with _CONSOLE.status("waiting for the index"):
        while not index.is_ready(group):
            if time.monotonic() > end:
                raise TimeoutError("the index was not loaded")
            time.sleep(0.05)


_FRESH = """
import sys, time
from pathlib import Path
from shared.app import App
from tests import builders
settings = builders.settings(
    Path(sys.argv[1]), INDEX_MIN_FACES=sys.argv[2], GRAPH_MIN_FACES=sys.argv[3]
)
app = App(settings)
group = app.groups.get("t", "large")
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


def _fresh_processes(folder: Path, repeats: int, graph_min_faces: int) -> dict[str, float]:
    """Return what a first search costs in a fresh process, by snapshot and row by row, in turns."""
    results: dict[str, list[list[float]]] = {"1000": [], str(_NEVER): []}
    with _CONSOLE.status("starting processes"):
        for _ in range(repeats):
            for min_faces, lines in results.items():
                printed = subprocess.run(
                    [sys.executable, "-c", _FRESH, str(folder), min_faces, str(graph_min_faces)],
                    cwd=ROOT, check=True, capture_output=True, text=True,
                ).stdout  # fmt: skip
                lines.append([float(text) for text in printed.split()])
    snapshot, by_row = (np.median(lines, axis=0) for lines in results.values())
    return {
        "fresh process, first search from the snapshot, s": float(snapshot[0]),
        "the same from all rows, s": float(by_row[0]),
        "fresh process, next search, ms": 1000 * float(snapshot[1]),
        "fresh process, index ready after, s": float(snapshot[2]),
    }


def _compare_shapes(path: Path) -> dict[str, float]:
    """Return how real vectors lie, and made ones of as many people with as many photos each."""
    data = pairs.read(path)
    vectors = describe(App(Settings.from_environment()), data).vectors
    seen = ~np.isnan(vectors[:, 0])
    names = np.array([person_of(name) for name in data.files])[seen]
    people = np.unique(names, return_inverse=True)[1]
    draws = [Population(people.max() + 1, seed).views(people) for seed in range(_DRAWS)]
    made = [_shape(draw.astype(np.float64), people) for draw in draws]
    return {
        f"{what}, {kind}": value
        for what, real in _shape(vectors[seen], people).items()
        for kind, value in (("real", real), ("made", statistics.mean(m[what] for m in made)))
    }


def _shape(vectors: NDArray[np.float64], people: NDArray[np.intp]) -> dict[str, float]:
    first, second = np.triu_indices(len(vectors), 1)
    cosines = (vectors @ vectors.T)[first, second]
    is_same = people[first] == people[second]
    variances = np.linalg.eigvalsh(np.cov(vectors.T))[::-1]
    shares = variances / variances.sum()
    rows = {}
    for who, some, wanted in (
        ("different people", cosines[~is_same], _SHARES),
        ("the same person", cosines[is_same], _SAME_SHARES),
    ):
        rows[f"cosine of {who}, mean"] = float(some.mean())
        rows[f"cosine of {who}, standard deviation"] = float(some.std())
        for share in wanted:
            rows[f"cosine of {who} that {share:.2%} reach"] = float(np.quantile(some, 1 - share))
    for count in _DIRECTIONS:
        rows[f"variance in the first {count} directions"] = float(shares[:count].sum())
    return rows | {"directions that matter": float(1 / (shares**2).sum())}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_group",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faces", type=int, default=97_500, help="default 97500: room for more")
    parser.add_argument("--people", type=int, default=19_500, help="default 19500")
    parser.add_argument("--queries", type=int, default=200, help="of each kind (default 200)")
    parser.add_argument("--repeats", type=int, default=5, help="fresh processes (default 5)")
    parser.add_argument("--graph", action="store_true", help="search through a graph")
    parser.add_argument("--pairs", type=Path, help="a csv of pairs, or a folder like LFW's")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "large_group.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
