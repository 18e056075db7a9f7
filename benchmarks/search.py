"""Measures exact search in groups of up to 100,000 faces, on the embedded store.

The vectors are random but of the shape that faces have; the photo that is looked for is a real one.
Needs the prepared models (`make models`).
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from benchmarks import measure
from functions.nhn import add_faces, create_group, search_by_image
from shared.app import App
from shared.http.endpoint import Handler
from tests import builders, photos
from tests.shared.index.enrol import enrol

_SIZES = (10, 10_000, 99_900)  # the last leaves room for the faces that are added here
_TENANT = "t"
_DIMENSION = 128


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        app = builders.app(Path(name), INDEX_BYTES=str(1 << 30), INDEX_MIN_FACES=str(1 << 30))
        vectors = _random_vectors(max(_SIZES))
        for size in track(_SIZES, "filling groups"):
            _call(create_group.handler, app, None, {"groupId": f"g{size}"})
            enrol(app, app.groups.get(_TENANT, f"g{size}"), vectors[:size])
        rows = {
            **by_group_size(app, arguments.repeats),
            **scan(app, vectors, arguments.repeats),
            **one_more(app, arguments.repeats),
            **first_search(app, Path(name)),
        }
    table = Table("what", "", title="search")
    for what, value in rows.items():
        table.add_row(what, f"{value:.2f}")
    measure.show(table)
    measure.write(rows, arguments.output)


def by_group_size(app: App, repeats: int) -> dict[str, float]:
    """Return how long a search by image takes in small and large groups, in turns."""
    times: dict[int, list[float]] = {size: [] for size in _SIZES}
    for _ in range(repeats + 1):
        for size in _SIZES:
            times[size].append(_timed(lambda size=size: _search(app, size)))
    medians = {size: statistics.median(values[1:]) for size, values in times.items()}
    small = medians[_SIZES[0]]
    return {f"search by image among {size}, ms": ms for size, ms in medians.items()} | {
        f"among {size}, times that among {_SIZES[0]}": medians[size] / small for size in _SIZES[1:]
    }


def scan(app: App, vectors: NDArray[np.float32], repeats: int) -> dict[str, float]:
    """Return one exact query over the largest group against bare numpy, in turns."""
    group = app.groups.get(_TENANT, f"g{max(_SIZES)}")
    query = vectors[7]

    def bare() -> object:
        scores = vectors @ query
        best = np.argpartition(-scores, 10)[:10]
        return best[np.argsort(-scores[best])]

    def ours() -> object:
        return app.index.search(group, query, limit=10, min_score=0.9)

    rounds = [(measure.median_ms(ours, 20), measure.median_ms(bare, 20)) for _ in range(repeats)]
    mine, plain = (statistics.median(values) for values in zip(*rounds, strict=True))
    return {
        "one exact query among 99900, ms": mine,
        "numpy product and partition, ms": plain,
        "times numpy": mine / plain,
    }


def one_more(app: App, repeats: int) -> dict[str, float]:
    """Return what adding a face to the largest group and finding it costs beyond the vision."""
    group = f"g{max(_SIZES)}"
    body = {"image": _image(), "limit": 1}
    _call(create_group.handler, app, None, {"groupId": "one"})
    times: dict[str, list[float]] = {"one": [], group: []}
    for _ in range(repeats):
        for name, values in times.items():

            def add_and_find(name: str = name) -> None:
                _call(add_faces.handler, app, name, body)
                _search(app, name)

            values.append(_timed(add_and_find))
    beyond = statistics.median(times[group]) - statistics.median(times["one"])
    return {"adding to 99900 and finding, beyond that in a group of a few, ms": beyond}


def first_search(app: App, folder: Path) -> dict[str, float]:
    """Return what a process's first search in the largest group costs beyond the next."""
    fresh = builders.app_with(
        builders.settings(folder, INDEX_BYTES=str(1 << 30), INDEX_MIN_FACES=str(1 << 30)),
        keys=app.keys, codec=app.codec, detector=app.detector, poses=app.poses,
        recognizers=app.recognizers,
    )  # fmt: skip
    first = _timed(lambda: _search(fresh, max(_SIZES)))
    second = _timed(lambda: _search(fresh, max(_SIZES)))
    return {"first search among 99900, beyond the next, s": (first - second) / 1000}


def _search(app: App, group: int | str) -> None:
    name = group if isinstance(group, str) else f"g{group}"
    query = {"limit": "5", "threshold": "90"}
    _call(search_by_image.handler, app, name, {"image": _image()}, query)


def _image() -> dict[str, str]:
    file: str = builders.deid_body(photos.load("obama.jpg"))["argument"]["file"]
    return {"bytes": file}


def _call(
    handler: Handler,
    app: App,
    group: str | None,
    body: object,
    query: dict[str, str] | None = None,
) -> None:
    event: dict[str, Any] = {
        **builders.event(path="/nhn-face-reco", body=body),
        "pathParameters": {"appKey": builders.KEY, "groupId": group},
        "queryStringParameters": query or {},
    }
    reply = builders.answer(handler(event, None, app))
    if not reply["header"]["isSuccessful"]:
        raise ValueError(f"the call to measure fails: {reply}")


def _timed(call: Any) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def _random_vectors(count: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(3).normal(size=(count, _DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=15, help="rounds (default 15)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "search.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
