"""Measures exact search in groups of up to 100,000 faces, on the embedded store.

The vectors are random unit vectors; the photo that is searched for is a real one. Needs the
prepared models (`make models`).
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks import calls, command, measure
from functions.nhn import create_group, search_by_image
from harness import builders, photos
from harness.stored_faces import enrol
from shared.app import App
from shared.config import Settings
from shared.core.metering.models import Limits

_SIZES = (10, 10_000, 99_900)
_LARGEST = f"g{_SIZES[-1]}"
_TENANT = "t"
_DIMENSION = 128


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--repeats", type=int, default=15, help="rounds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        app = builders.app_with(_settings(Path(name)), **builders.access_ports(Limits()))
        vectors = _random_vectors(_SIZES[-1])
        for size in track(_SIZES, "filling groups"):
            _create(app, f"g{size}")
            enrol(app, app.groups.get(_TENANT, f"g{size}"), vectors[:size])
        rows = {
            **by_group_size(app, arguments.repeats),
            **scan(app, vectors, arguments.repeats),
            **first_search(app, Path(name)),
        }
    command.report(arguments.output, rows, command.table("search", ("", "value"), rows.items()))


def by_group_size(app: App, repeats: int) -> dict[str, float]:
    """Return how long a search by image takes in small and large groups."""
    searches = {str(size): _search(app, f"g{size}") for size in _SIZES}
    medians = measure.medians_in_turns(searches, 1, repeats)
    smallest, *others = medians
    return {f"search by image among {size}, ms": ms for size, ms in medians.items()} | {
        f"among {size}, times that among {smallest}": medians[size] / medians[smallest]
        for size in others
    }


def scan(app: App, vectors: NDArray[np.float32], repeats: int) -> dict[str, float]:
    """Return the time of one exact query over the largest group, and of bare numpy."""
    group = app.groups.get(_TENANT, _LARGEST)
    query = vectors[7]

    def bare() -> object:
        scores = vectors @ query
        best = np.argpartition(-scores, 10)[:10]
        return best[np.argsort(-scores[best])]

    ours = partial(app.index.search, group, query, limit=10, min_score=0.9)
    names = f"one exact query among {len(vectors)}, ms", "numpy product and partition, ms"
    medians = measure.medians_in_turns(
        dict(zip(names, (ours, bare), strict=True)), repeats=20, rounds=repeats
    )
    return {**medians, "times numpy": medians[names[0]] / medians[names[1]]}


def first_search(app: App, folder: Path) -> dict[str, float]:
    """Return what a process's first search in the largest group costs beyond the next."""
    fresh = builders.app_with(
        _settings(folder),
        keys=app.keys, codec=app.codec, detector=app.detector, poses=app.poses,
        recognizers=app.recognizers,
    )  # fmt: skip
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        _search(fresh, _LARGEST)
        seconds.append(time.perf_counter() - start)
    return {f"first search among {_SIZES[-1]}, beyond the next, s": seconds[0] - seconds[1]}


def _settings(folder: Path) -> Settings:
    return builders.settings(folder, INDEX_BYTES=str(1 << 30), INDEX_MIN_FACES=str(1 << 30))


def _create(app: App, group: str) -> None:
    calls.checked(create_group.handler, calls.nhn_event({"groupId": group}), app)


def _search(app: App, group: str) -> Callable[[], object]:
    """Search once, and return what does it again."""
    event = calls.nhn_event({"image": _image()}, group, {"limit": "5", "threshold": "90"})
    return calls.checked(search_by_image.handler, event, app)


def _image() -> dict[str, str]:
    return calls.nhn_image(photos.load("obama.jpg"))


def _random_vectors(count: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(3).normal(size=(count, _DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


if __name__ == "__main__":
    main()
