"""Measures whom the options `keep` and `only` show and hide at their default similarities.

Needs the prepared models (`make models`) and photos of people whose files are named by person, as
`benchmarks.similarity` does. Some people are enrolled by one photo each, drawn again and again; all
their other photos are theirs to keep, and those of everyone else are strangers'. In each photo the
face nearest its centre is meant, found and judged as FaceDeID does; one that cannot be judged is
hidden by both options. The people with East Asian names are measured among themselves as well.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from benchmarks import measure, pairs
from benchmarks.accuracy import most_central
from benchmarks.pairs import Pairs
from benchmarks.similarity import has_east_asian_name, person_of
from shared.app import App
from shared.config import Settings
from shared.core.hiding import gallery
from shared.core.photos.models import DetectionProfile

SIZES = (1, 10, 100, 300)  # people enrolled; the rest of the people serve as strangers
_DRAWS = 1000
_SEED = 7


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    app = App(Settings.from_environment())
    data = pairs.read(arguments.path)
    vectors = describe(app, data)
    people = np.array([person_of(name) for name in data.files])
    table = Table(title=f"{len(people)} photos of {len(set(people))} people, {_DRAWS} draws")
    is_east_asian = has_east_asian_name(people)
    rows = _rows(app, "everyone", vectors, people)
    rows += _rows(app, "East Asian names", vectors[is_east_asian], people[is_east_asian])
    for name in rows[0]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(f"{v:.2%}" if isinstance(v, float) else str(v) for v in row.values()))
    table.caption = f"{np.isnan(vectors[:, 0]).mean():.2%} of the photos cannot be judged"
    measure.show(table)
    measure.write(rows, arguments.output)


def describe(app: App, data: Pairs) -> NDArray[np.float32]:
    """Return a unit vector a photo, float32 of shape (N, D); NaN where it cannot be judged."""
    embedder = app.recognizers.get(app.model_version).embedder
    _, spec = app.catalogue.embedder(app.model_version)
    vectors = np.full((len(data.files), spec.dimensions), np.nan, np.float32)
    for number, name in enumerate(track(data.files, "looking")):
        photo = app.codec.decode((data.folder / name).read_bytes())
        found = app.detector.detect(photo, profile=DetectionProfile.HIDING)
        central = [most_central(photo, found)] if found else []
        if gallery.find_judgeable(app.poses, photo, central):
            (vectors[number],) = embedder.embed(photo, central)
    return vectors


def _rows(
    app: App, public: str, vectors: NDArray[np.float32], people: NDArray[np.str_]
) -> list[dict[str, str | int | float]]:
    return [
        {"people": public, **_measure(app, vectors, people, size)}
        for size in SIZES
        if size < len(set(people))
    ]


def _measure(
    app: App, vectors: NDArray[np.float32], people: NDArray[np.str_], size: int
) -> dict[str, int | float]:
    """Return shares of one, over all draws; `from 90` is of the strangers kept if it were that."""
    calibration = app.recognizers.get(app.model_version).calibration
    similarity = gallery.kept_from(size)
    rng = np.random.default_rng(_SEED)
    names, counts = np.unique(people[~np.isnan(vectors[:, 0])], return_counts=True)
    draws = []
    for _ in range(_DRAWS):
        enrolled = rng.choice(names[counts > 1], size, replace=False)
        photos = [_draw(rng, vectors, people == name) for name in enrolled]
        rest = np.setdiff1d(np.arange(len(people)), photos)
        best = (vectors[rest] @ vectors[photos].T).max(axis=1)  # NaN is neither more nor less
        is_theirs = np.isin(people[rest], enrolled)
        kept = best >= calibration.score(similarity)
        kept_by_fewest = best >= calibration.score(gallery.kept_from(1))
        shown = best < calibration.score(gallery.HIDDEN_FROM)
        draws.append(
            {
                "theirs kept": kept[is_theirs],
                "strangers kept": kept[~is_theirs],
                f"from {gallery.kept_from(1):.0f}": kept_by_fewest[~is_theirs],
                f"only from {gallery.HIDDEN_FROM:.0f}: theirs missed": shown[is_theirs],
                "strangers hidden": ~shown[~is_theirs],
            }
        )
    return {
        "enrolled": size,
        "keep from": int(similarity),
        **{name: float(np.concatenate([draw[name] for draw in draws]).mean()) for name in draws[0]},
    }


def _draw(rng: np.random.Generator, vectors: NDArray[np.float32], theirs: NDArray[np.bool_]) -> int:
    return int(rng.choice(np.flatnonzero(theirs & ~np.isnan(vectors[:, 0]))))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.keep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="a csv of pairs (same,a,b), or a folder like LFW's")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "keep.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
