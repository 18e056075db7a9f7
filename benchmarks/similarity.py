"""Measures what a similarity means: how often different and same people reach it.

Needs the prepared models (`make models`) and photos of people whose files are named by person, as
Labeled Faces in the Wild has them (Person_Name_0001.jpg): a csv of pairs, or a folder. Every photo
is compared with every other, which gives far more pairs of different people than a list of pairs.

An embedder may tell some people apart less well than others. So the pairs of people with East Asian
names (`east_asian_names.txt`) are counted apart as well, and a similarity means what it says for
both: its cosine is the greater of the two at which so many pairs of different people are.

Prints the knots that models.toml should have, and the false-match and true-match rates at the
similarities of the knots that it has. The intervals (95%) are from drawing the people anew, since
the pairs of one person are not independent; of no pair at all they tell nothing.
"""

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import measure, pairs
from benchmarks.accuracy import describe
from benchmarks.verification import Bools, Floats
from shared.app import App
from shared.config import Settings
from shared.core.recognition.similarity import Calibration

# The similarity that means each false-match rate, the most frequent first. Rates below the last
# cannot be measured with a thousand photos; 99 is where one in a million would be if the cosine
# went on to rise by as much for each tenfold as it does from 90 to 95.
RATES = {20: 0.5, 50: 0.1, 80: 0.01, 90: 0.001, 95: 0.0001}
TOLD_AT = (50, 60, 70, 80, 85, 90, 95, 97, 99)
EAST_ASIAN_NAMES = Path(__file__).with_name("east_asian_names.txt")

_MIN = 10  # pairs that must reach a cosine for it to be read off
_DRAWS = 1000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Rate:
    """How many pairs reach a cosine, and between which shares of all they would, drawn anew."""

    reached: int
    pairs: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share of the pairs, 0..1."""
        return self.reached / self.pairs

    def to_json(self) -> dict[str, float]:
        """Return all that is known of it."""
        return {
            "rate": self.value,
            "low": self.low,
            "high": self.high,
            "reached": self.reached,
            "pairs": self.pairs,
        }


class Public:
    """Every pair of photos of some people.

    Attributes:
        different: the cosines of the pairs of two people, ascending.
        same: the cosines of the pairs of one person, ascending.
    """

    def __init__(self, vectors: Floats, people: NDArray[np.str_]) -> None:
        """Compare all photos.

        Args:
            vectors: unit vectors, (N, D), NaN where no face was found: such photos are left out.
            people: the person of each, (N,).
        """
        seen = ~np.isnan(vectors[:, 0])
        names, person = np.unique(people[seen], return_inverse=True)
        self._is_of = np.eye(len(names))[person]  # (photos, people)
        self._cosines = vectors[seen] @ vectors[seen].T
        first, second = np.triu_indices(len(person), 1)
        is_same = person[first] == person[second]
        between = self._cosines[first, second]
        self.different = np.sort(between[~is_same])
        self.same = np.sort(between[is_same])

    def rates(self, cosine: float) -> tuple[Rate, Rate]:
        """Return how many pairs of two people, and of one person, have at least this cosine."""
        is_pair = np.triu(np.ones(self._cosines.shape, bool), 1)
        reached = self._by_person(is_pair & (self._cosines >= cosine))
        of_people = self._by_person(is_pair)
        is_same = np.eye(len(of_people), dtype=bool)
        return (
            _rate(np.where(is_same, 0, reached), np.where(is_same, 0, of_people)),
            _rate(np.where(is_same, reached, 0), np.where(is_same, of_people, 0)),
        )

    def _by_person(self, is_counted: Bools) -> Floats:
        """Return how many of the pairs of photos are of each two people, (P, P), symmetric."""
        counts: Floats = self._is_of.T @ is_counted @ self._is_of
        return counts + counts.T


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    app = App(Settings.from_environment())
    data = pairs.read(arguments.path)
    vectors = describe(app, data).vectors
    people = np.array([person_of(name) for name in data.files])
    is_east_asian = has_east_asian_name(people)
    everyone = Public(vectors, people)
    east_asian = Public(vectors[is_east_asian], people[is_east_asian])
    publics = {"everyone": everyone}
    if len(east_asian.different) and len(east_asian.same):
        publics["East Asian names"] = east_asian
    calibration = app.recognizers.get(app.model_version).calibration
    rows = [_row(publics, calibration, similarity) for similarity in TOLD_AT]
    found = knots(everyone.different, east_asian.different)
    console = Console(width=140)
    console.print(_table(publics, rows))
    console.print(f"knots = {[list(knot) for knot in found]}", markup=False, soft_wrap=True)
    report = {"model": app.model_version, "knots": found, "rates": rows}
    measure.write(report, arguments.output)


def person_of(name: str) -> str:
    """Return the person of a photo by its file's name."""
    return re.sub(r"_\d+\.\w+$", "", Path(name).name)


def has_east_asian_name(people: NDArray[np.str_]) -> Bools:
    """Tell of each person whether the list of names has them."""
    lines = EAST_ASIAN_NAMES.read_text(encoding="utf-8").splitlines()
    return np.isin(people, [line for line in lines if not line.startswith("#")])


def knots(everyone: Floats, east_asian: Floats) -> list[tuple[float, float]]:
    """Return the (cosine, similarity) knots of a calibration.

    Each is rounded up to a hundredth: what is measured is not more exact.

    Args:
        everyone: the cosines of pairs of different people.
        east_asian: those of pairs of different people with East Asian names.
    """
    at = {value: _reached(everyone, east_asian, rate) for value, rate in RATES.items()}
    at[99] = at[95] + 2 * (at[95] - at[90])
    measured = [(math.ceil(100 * cosine) / 100, float(value)) for value, cosine in at.items()]
    return [(-1.0, 0.0), *measured, (1.0, 100.0)]


def _reached(everyone: Floats, east_asian: Floats, rate: float) -> float:
    """Return the cosine that this share of the pairs has at least, in either public.

    Of so few pairs as the smaller public has, a low rate cannot be read off. It is taken to lie as
    far above everyone's as it does at the lowest rate that can.
    """
    cosine = float(np.quantile(everyone, 1 - rate))
    readable = [r for r in RATES.values() if r * len(east_asian) >= _MIN]
    if not readable:
        return cosine
    level = 1 - max(rate, min(readable))
    above = float(np.quantile(east_asian, level) - np.quantile(everyone, level))
    return cosine + max(0.0, above)


def _rate(reached: Floats, pairs_of: Floats) -> Rate:
    """Return the share of the pairs that are reached.

    Args:
        reached: how many pairs of photos of each two people are, (P, P): either only of one person
            each, on the diagonal, or only beside it.
        pairs_of: how many there are.
    """
    people = len(reached)
    draws = np.random.default_rng(_SEED).multinomial(people, np.full(people, 1 / people), _DRAWS)
    found, drawn = (
        draws @ counts.diagonal() + (draws @ (counts - np.diag(counts.diagonal())) * draws).sum(1)
        for counts in (reached, pairs_of)
    )
    low, high = np.quantile(found[drawn > 0] / drawn[drawn > 0], (0.025, 0.975))
    return Rate(int(reached.sum() / 2), int(pairs_of.sum() / 2), float(low), float(high))


def _row(publics: dict[str, Public], calibration: Calibration, similarity: float) -> dict[str, Any]:
    cosine = calibration.score(similarity)
    rows: dict[str, Any] = {"similarity": similarity, "cosine": cosine}
    for name, public in publics.items():
        false, true = public.rates(cosine)
        rows[name] = {"false_matches": false.to_json(), "true_matches": true.to_json()}
    return rows


def _table(publics: dict[str, Public], rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("similarity at least", "cosine")
    for name, public in publics.items():
        table.add_column(f"{name}: {len(public.different):,} pairs of two people", justify="right")
        table.add_column(f"{len(public.same):,} of one person", justify="right")
    for row in rows:
        cells = [
            text
            for name in publics
            for text in (
                _cell(row[name]["false_matches"], digits=4),
                _cell(row[name]["true_matches"], digits=2),
            )
        ]
        table.add_row(f"{row['similarity']}", f"{row['cosine']:.3f}", *cells)
    return table


def _cell(rate: dict[str, float], *, digits: int) -> str:
    if not rate["reached"]:
        return "none"
    share, low, high = (f"{100 * rate[key]:.{digits}f}" for key in ("rate", "low", "high"))
    return f"{share}% ({low} to {high}), {rate['reached']:,}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.similarity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="a csv of pairs (same,a,b), or a folder like LFW's")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "similarity.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
