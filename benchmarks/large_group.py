"""Measures a group of 100,000 faces of 20,000 people: its snapshot, its searches, and the savings.

The vectors are synthetic and distributed like those of real faces (`harness/face_vectors.py`); with
--pairs they are compared with the vectors of real ones. Searches are for people of the group in a
new view, and for strangers, for faces with a similarity of 70 or more. numpy's products of the same
queries with all vectors decide what is right.

Before each search a real face is embedded as in a request, which leaves little of the group in the
caches of the processor. In turns with it, the same is asked of an index without a snapshot, which
multiplies all rows, and of bare numpy. The times of single searches are processor times, which
other work on the machine disturbs least. Needs the prepared models (`make models`).

With --graph the group is searched through a graph, as it is from GRAPH_MIN_FACES on; building one
takes minutes.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks import command, pairs
from benchmarks.people import central_face, describe, person_of
from harness import builders, photos
from harness.face_vectors import Population
from harness.processes import wait_for
from harness.stored_faces import enrol
from shared.app import App
from shared.config import Settings
from shared.core.recognition import groups, indexing
from shared.core.recognition.models import Group
from shared.core.recognition.ports import FaceIndex
from shared.index.groups import GroupIndex

_TENANT, _GROUP = "t", "large"
_LIMITS = (5, 20)
_SIMILARITY = 70.0
_CALLERS = 4
_MIN_FACES = 1000
_NEVER = 1 << 30  # faces
_READY_TIMEOUT_S = 300.0
_SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)  # of pairs of different people
_SAME_SHARES = (0.01, 0.1, 0.5, 0.9)
_DIRECTIONS = (1, 16, 32, 64, 96)
_DRAWS = 8
_CONSOLE = Console(stderr=True)

Vectors = NDArray[np.float32]
Search = Callable[[Vectors, int], list[str]]


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--faces", type=int, default=97_500, help="at most 100000")
    parser.add_argument("--people", type=int, default=19_500, help="in the group")
    parser.add_argument("--queries", type=int, default=200, help="of each kind")
    parser.add_argument("--repeats", type=int, default=5, help="fresh processes of each kind")
    parser.add_argument("--graph", action="store_true", help="search through a graph")
    parser.add_argument("--pairs", type=Path, help=command.PAIRS_HELP)
    arguments = parser.parse_args()
    results = {"group": _measure(arguments)}
    if arguments.pairs:
        results["shape"] = _compare_shapes(arguments.pairs)
    tables = [
        command.table(title, ("", "value"), rows.items(), digits=4)
        for title, rows in results.items()
    ]
    command.report(arguments.output, results, *tables)


def _measure(arguments: argparse.Namespace) -> dict[str, float]:
    population = Population(arguments.people + arguments.queries)
    graph_min_faces = _MIN_FACES if arguments.graph else _NEVER
    with tempfile.TemporaryDirectory() as name:
        app = _app(Path(name), _MIN_FACES, graph_min_faces)
        views = np.repeat(np.arange(arguments.people), arguments.faces // arguments.people)
        vectors = population.views(np.random.default_rng(1).permutation(views))
        groups.create(app.groups, app.sealer, tenant=_TENANT, group_id=_GROUP, model_version="m")
        with _CONSOLE.status("filling the group"):
            face_ids = enrol(app, app.groups.get(_TENANT, _GROUP), vectors)
        group = app.groups.get(_TENANT, _GROUP)
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
                found = _compare(app, searches, asked, limit)
                rows |= {f"{who}, limit {limit}: {what}": n for what, n in found.items()}
        rows |= _many_callers(searches, queries["strangers"])
        rows |= _fresh_processes(Path(name), arguments.repeats, graph_min_faces)
    return rows


def _app(folder: Path, index_min_faces: int, graph_min_faces: int) -> App:
    limits = {"INDEX_MIN_FACES": str(index_min_faces), "GRAPH_MIN_FACES": str(graph_min_faces)}
    return App(builders.settings(folder, **limits))


def _blob_sizes(app: App) -> dict[str, float]:
    sizes = {info.key.rpartition("/")[2]: info.size / 1e6 for info in app.snapshots.list()}
    del sizes["manifest"]
    return {f"{part} of the snapshot, MB": size for part, size in sizes.items()}


def _searches(app: App, group: Group, vectors: Vectors, face_ids: list[str]) -> dict[str, Search]:
    """Return the search of the product, that of an index without a snapshot, and bare numpy's."""
    index = app.index
    assert isinstance(index, GroupIndex)  # noqa: S101 - for the type checker
    no_snapshot = GroupIndex(
        app.faces,
        app.sealer,
        app.snapshot_store,
        max_bytes=1 << 30,
        min_faces=_NEVER,
        graph_min_faces=_NEVER,
        metrics=app.metrics,
    )
    min_score = _min_score(app)

    def bare(vector: Vectors, limit: int) -> list[str]:
        scores = vectors @ vector
        best = np.argpartition(-scores, limit)[:limit]
        best = best[np.argsort(-scores[best])]
        return [face_ids[row] for row in best if scores[row] >= min_score]

    searches: dict[str, Search] = {
        "search": partial(_by_index, app, index, group),
        "all rows multiplied": partial(_by_index, app, no_snapshot, group),
        "bare numpy": bare,
    }
    for search in searches.values():
        search(vectors[0], 1)
    with _CONSOLE.status("waiting for the index"):
        wait_for(lambda: index.is_ready(group), timeout_s=_READY_TIMEOUT_S)
    return searches


def _by_index(app: App, index: FaceIndex, group: Group, vector: Vectors, limit: int) -> list[str]:
    return index.search(group, vector, limit=limit, min_score=_min_score(app))[0]


def _min_score(app: App) -> float:
    """Return the cosine of a similarity of 70."""
    return app.recognizers.get(app.model_version).calibration.score(_SIMILARITY)


def _compare(
    app: App, searches: dict[str, Search], vectors: Vectors, limit: int
) -> dict[str, float]:
    """Return the recall of the product's search, and the times of all searches, in turns."""
    photo = app.codec.decode(photos.astronaut_jpeg())
    face = central_face(app, photo)
    embedder = app.recognizers.get(app.model_version).embedder
    times: dict[str, list[float]] = {name: [] for name in searches}
    hits = wanted = 0
    for vector in vectors:
        found = {}
        for name, search in searches.items():
            embedder.embed(photo, [face] if face else [])
            start = time.thread_time()
            found[name] = search(vector, limit)
            times[name].append(1000 * (time.thread_time() - start))
        right = set(found["bare numpy"])
        hits += len(right & set(found["search"]))
        wanted += len(right)
    rows = {"recall": hits / wanted}
    rows |= {f"{name}, ms": statistics.median(taken) for name, taken in times.items()}
    return rows | {"search p99, ms": float(np.percentile(times["search"], 99))}


def _many_callers(searches: dict[str, Search], vectors: Vectors) -> dict[str, float]:
    """Return the time of all searches of several threads at once, divided by their number."""
    rows = {}
    for name, search in searches.items():
        with ThreadPoolExecutor(_CALLERS) as pool:
            start = time.perf_counter()
            list(pool.map(search, vectors, [_LIMITS[0]] * len(vectors)))
            seconds = time.perf_counter() - start
        rows[f"{_CALLERS} callers at once: {name}, ms each"] = 1000 * seconds / len(vectors)
    return rows


def _fresh_processes(folder: Path, repeats: int, graph_min_faces: int) -> dict[str, float]:
    """Return the time of a first search in a fresh process, with a snapshot and row by row."""
    times: dict[int, list[list[float]]] = {_MIN_FACES: [], _NEVER: []}
    context = multiprocessing.get_context("spawn")
    with (
        _CONSOLE.status("starting processes"),
        ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool,
    ):
        for _ in range(repeats):
            for min_faces, lines in times.items():
                lines.append(
                    pool.submit(_first_searches, folder, min_faces, graph_min_faces).result()
                )
    snapshot, by_row = (np.median(lines, axis=0) for lines in times.values())
    return {
        "fresh process, first search from the snapshot, s": float(snapshot[0]),
        "the same from all rows, s": float(by_row[0]),
        "fresh process, next search, ms": 1000 * float(snapshot[1]),
        "fresh process, index ready after, s": float(snapshot[2]),
    }


def _first_searches(folder: Path, min_faces: int, graph_min_faces: int) -> list[float]:
    """Return the seconds of the first search, of the second, and until the index is ready."""
    app = _app(folder, min_faces, graph_min_faces)
    group = app.groups.get(_TENANT, _GROUP)
    face = app.faces.list_page(group, before=None, limit=1)[0]
    vector = app.sealer.open(group, face.face_id, face.sealed_vector)
    index, _ = app.index, app.snapshot_store  # both imported before the clock starts
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        ids, _ = index.search(group, vector, limit=5, min_score=-1)
        seconds.append(time.perf_counter() - start)
        if ids[0] != face.face_id:
            raise ValueError("the face was not found")
    start = time.perf_counter()
    while min_faces == _MIN_FACES and isinstance(index, GroupIndex) and not index.is_ready(group):
        time.sleep(0.01)
    return [*seconds, time.perf_counter() - start]


def _compare_shapes(path: Path) -> dict[str, float]:
    """Return the distribution of real vectors, and of as many synthetic ones."""
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
    return rows | {"effective dimensions": float(1 / (shares**2).sum())}


if __name__ == "__main__":
    main()
