"""Measures which faces the options `keep` and `only` show and hide at their default similarities.

Needs the prepared models (`make models`) and photos of people whose files are named by person, as
`benchmarks.similarity` does. Some people are enrolled by one photo each, drawn again and again; all
their other photos should be kept, and those of everyone else, the strangers, should not. In each
photo the face nearest its centre is meant, detected and judged as FaceDeID does it; a face that
cannot be judged is hidden by both options. The people with East Asian names are also measured among
themselves.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, pairs
from benchmarks.people import describe, has_east_asian_name, person_of
from benchmarks.verification import Floats
from shared.app import App
from shared.config import Settings
from shared.core.hiding import gallery
from shared.core.photos.models import DetectionProfile

SIZES = (1, 10, 100, 300)  # people enrolled; all others are strangers
_DRAWS = 1000
_SEED = 7

Row = dict[str, str | int | float]


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("path", type=Path, help=command.PAIRS_HELP)
    arguments = parser.parse_args()
    app = App(Settings.from_environment())
    data = pairs.read(arguments.path)
    vectors = describe(
        app,
        data,
        profile=DetectionProfile.HIDING,
        accepts=lambda photo, face: bool(gallery.find_judgeable(app.poses, photo, [face])),
    ).vectors
    people = np.array([person_of(name) for name in data.files])
    is_east_asian = has_east_asian_name(people)
    rows = _rows(app, "everyone", vectors, people)
    rows += _rows(app, "East Asian names", vectors[is_east_asian], people[is_east_asian])
    title = f"{len(people)} photos of {len(set(people))} people, {_DRAWS} draws"
    title += f", {np.isnan(vectors[:, 0]).mean():.2%} of the photos cannot be judged"
    shown = [{k: f"{v:.2%}" if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    command.report(arguments.output, rows, command.records(title, shown))


def _rows(app: App, population: str, vectors: Floats, people: NDArray[np.str_]) -> list[Row]:
    return [
        {"people": population, **_measure(app, vectors, people, size)}
        for size in SIZES
        if size < len(set(people))
    ]


def _measure(app: App, vectors: Floats, people: NDArray[np.str_], size: int) -> Row:
    """Return shares over all draws; `from 90` is of the strangers kept if that were the limit."""
    calibration = app.recognizers.get(app.model_version).calibration
    similarity = gallery.kept_from(size)
    rng = np.random.default_rng(_SEED)
    is_judged = ~np.isnan(vectors[:, 0])
    names, counts = np.unique(people[is_judged], return_counts=True)
    draws = []
    for _ in range(_DRAWS):
        enrolled = rng.choice(names[counts > 1], size, replace=False)
        photos = [
            int(rng.choice(np.flatnonzero((people == name) & is_judged))) for name in enrolled
        ]
        rest = np.setdiff1d(np.arange(len(people)), photos)
        best = (vectors[rest] @ vectors[photos].T).max(axis=1)  # comparisons with NaN are false
        is_theirs = np.isin(people[rest], enrolled)
        kept = best >= calibration.score(similarity)
        kept_by_min = best >= calibration.score(gallery.kept_from(1))
        shown = best < calibration.score(gallery.HIDDEN_FROM)
        draws.append(
            {
                "theirs kept": kept[is_theirs],
                "strangers kept": kept[~is_theirs],
                f"from {gallery.kept_from(1):.0f}": kept_by_min[~is_theirs],
                f"only from {gallery.HIDDEN_FROM:.0f}: theirs missed": shown[is_theirs],
                "strangers hidden": ~shown[~is_theirs],
            }
        )
    return {
        "enrolled": size,
        "keep from": int(similarity),
        **{name: float(np.concatenate([draw[name] for draw in draws]).mean()) for name in draws[0]},
    }


if __name__ == "__main__":
    main()
