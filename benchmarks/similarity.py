"""Measures what a similarity means: how often pairs of two people and of one person reach it.

Needs the prepared models (`make models`) and photos of people whose files are named by person, as
in Labeled Faces in the Wild (Person_Name_0001.jpg): a csv of pairs, or a folder. Every photo is
compared with every other, which gives far more pairs of different people than a list of pairs.

An embedder may distinguish some people less well than others. So the pairs of people with East
Asian names (`east_asian_names.txt`) are also counted separately, and a similarity holds for both
populations: its cosine is the greater of the two that give the false-match rate.

Prints the knots that models.toml should have, and the false-match and true-match rates with the
knots that it has. The 95% intervals come from resampling the people (bootstrap), since the pairs of
one person are not independent; without a single matching pair they mean nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks import command, pairs
from benchmarks.people import describe, has_east_asian_name, person_of
from benchmarks.verification import Bools, Floats
from shared.app import App
from shared.config import Settings

# The false-match rate that each similarity stands for, the highest first. Rates below the last
# cannot be measured with a thousand photos; 99 stands for one in a million, if the cosine continues
# to rise for each factor of ten by as much as from 90 to 95.
RATES = {20: 0.5, 50: 0.1, 80: 0.01, 90: 0.001, 95: 0.0001}
REPORTED = (50, 60, 70, 80, 85, 90, 95, 97, 99)

_MIN_PAIRS = 10  # above a cosine, so that it can be read off
_DRAWS = 1000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the pairs reach a cosine, and their share, 0..1, with its 95% interval."""

    reached: int
    pairs: int
    share: float
    low: float
    high: float


class Population:
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
    parser = command.parser(__file__, __doc__)
    parser.add_argument("path", type=Path, help=command.PAIRS_HELP)
    arguments = parser.parse_args()
    app = App(Settings.from_environment())
    data = pairs.read(arguments.path)
    vectors = describe(app, data).vectors
    people = np.array([person_of(name) for name in data.files])
    is_east_asian = has_east_asian_name(people)
    everyone = Population(vectors, people)
    east_asian = Population(vectors[is_east_asian], people[is_east_asian])
    populations = {"everyone": everyone}
    if len(east_asian.different) and len(east_asian.same):
        populations["East Asian names"] = east_asian
    calibration = app.recognizers.get(app.model_version).calibration
    rows: list[dict[str, Any]] = []
    for similarity in REPORTED:
        rows.append({"similarity": similarity, "cosine": calibration.score(similarity)})
        for name, population in populations.items():
            false, true = population.rates(rows[-1]["cosine"])
            rows[-1][name] = {"false_matches": asdict(false), "true_matches": asdict(true)}
    found = knots(everyone.different, east_asian.different)
    report = {"model": app.model_version, "knots": found, "rates": rows}
    command.report(arguments.output, report, _table(populations, rows))
    print(f"knots = {[list(knot) for knot in found]}")


def knots(everyone: Floats, east_asian: Floats) -> list[tuple[float, float]]:
    """Return the (cosine, similarity) knots of a calibration.

    Cosines are rounded up to a hundredth, which is as exact as the measurement.

    Args:
        everyone: the cosines of pairs of different people.
        east_asian: those of pairs of different people with East Asian names.
    """
    at = {value: _reached(everyone, east_asian, rate) for value, rate in RATES.items()}
    at[99] = at[95] + 2 * (at[95] - at[90])
    measured = [(math.ceil(100 * cosine) / 100, float(value)) for value, cosine in at.items()]
    return [(-1.0, 0.0), *measured, (1.0, 100.0)]


def _reached(everyone: Floats, east_asian: Floats, rate: float) -> float:
    """Return the cosine that this share of the pairs reaches at most, in both populations.

    A low rate cannot be read off the few pairs of the smaller population. Its cosine is assumed to
    be as far above everyone's as at the lowest rate that can be read off.
    """
    cosine = float(np.quantile(everyone, 1 - rate))
    readable = [r for r in RATES.values() if r * len(east_asian) >= _MIN_PAIRS]
    if not readable:
        return cosine
    level = 1 - max(rate, min(readable))
    above = float(np.quantile(east_asian, level) - np.quantile(everyone, level))
    return cosine + max(0.0, above)


def _rate(reached: Floats, pairs_of: Floats) -> Rate:
    """Return the share of the pairs that reach a cosine.

    Args:
        reached: the number of such pairs of photos for each two people, (P, P): either of one
            person, on the diagonal only, or of two, off the diagonal only.
        pairs_of: the number of all pairs for each two people, (P, P).
    """
    people = len(reached)
    draws = np.random.default_rng(_SEED).multinomial(people, np.full(people, 1 / people), _DRAWS)
    found, drawn = (
        draws @ counts.diagonal() + (draws @ (counts - np.diag(counts.diagonal())) * draws).sum(1)
        for counts in (reached, pairs_of)
    )
    low, high = np.quantile(found[drawn > 0] / drawn[drawn > 0], (0.025, 0.975))
    count, total = int(reached.sum() / 2), int(pairs_of.sum() / 2)
    return Rate(count, total, count / total, float(low), float(high))


def _table(populations: dict[str, Population], rows: Sequence[dict[str, Any]]) -> Table:
    headings = ["similarity at least", "cosine"]
    for name, population in populations.items():
        headings.append(f"{name}: {len(population.different):,} pairs of two people")
        headings.append(f"{len(population.same):,} of one person")
    lines = [
        [row["similarity"], row["cosine"]]
        + [
            _cell(row[name][kind], digits)
            for name in populations
            for kind, digits in (("false_matches", 4), ("true_matches", 2))
        ]
        for row in rows
    ]
    return command.table("", headings, lines, digits=3)


def _cell(rate: dict[str, float], digits: int) -> str:
    if not rate["reached"]:
        return "none"
    share, low, high = (f"{100 * rate[key]:.{digits}f}" for key in ("share", "low", "high"))
    return f"{share}% ({low} to {high}), {rate['reached']:,}"


if __name__ == "__main__":
    main()
