"""Measures what a similarity means: how often different and same people reach it.

Needs the prepared models (`make models`) and photos of people whose files are named by person, as
Labeled Faces in the Wild has them (Person_Name_0001.jpg): a csv of pairs, or a folder. Every photo
is compared with every other, which gives far more pairs of different people than a list of pairs.

Prints the calibration that models.toml should have, and the false-match and true-match rates at the
similarities of the calibration that it has.
"""

import argparse
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import measure, pairs
from benchmarks.accuracy import describe
from shared.config import Precision
from shared.vision import weights
from shared.vision.recognitions import calibration

# The similarity that means each false-match rate. Lower rates than the last cannot be measured with
# a thousand photos; 99 is where one in a million would be if the distance went on to fall by as
# much for each tenfold as it does from 90 to 95.
RATES = {50: 0.5, 60: 0.3, 70: 0.1, 80: 0.01, 90: 0.001, 95: 0.0001}
TOLD_AT = (70, 80, 90, 95, 99)
_FARTHEST = 2.0


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    console = Console()
    data = pairs.read(arguments.path)
    people = np.array([person_of(name) for name in data.files])
    report: dict[str, Any] = {}
    for precision in get_args(Precision):
        if arguments.precision not in (precision, "both"):
            continue
        version = weights.catalogue()[f"dlib-resnet-{precision}"].version
        same, different = distances(describe(data, precision).vectors, people)
        report[version] = {
            "knots": knots(different),
            "same_pairs": len(same),
            "different_pairs": len(different),
            "rates": rates(version, same, different),
        }
        console.print(_table(version, report[version]))
        console.print(f'[similarity."{version}"]', markup=False)
        console.print(f"knots = {report[version]['knots']}", markup=False, soft_wrap=True)
    measure.write(report, arguments.output)


def person_of(name: str) -> str:
    """Return the person of a photo by its file's name."""
    return re.sub(r"_\d+\.\w+$", "", Path(name).name)


def distances(
    vectors: NDArray[np.float64], people: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances of all pairs of one person, and of all pairs of two people.

    Args:
        vectors: unit vectors, (N, 128), NaN where no face was found: such photos are left out.
        people: the person of each, (N,).
    """
    seen = ~np.isnan(vectors[:, 0])
    vectors, people = vectors[seen], people[seen]
    first, second = np.triu_indices(len(vectors), 1)
    between = np.sqrt(np.clip(2 - 2 * (vectors @ vectors.T), 0, 4))[first, second]
    is_same = people[first] == people[second]
    return between[is_same], between[~is_same]


def knots(different: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the (distance, similarity) knots of a calibration, nearest first."""
    measured = [
        (round(float(np.quantile(different, rate)), 4), float(similarity))
        for similarity, rate in RATES.items()
    ]
    at = {similarity: distance for distance, similarity in measured}
    one_in_a_million = round(at[95] - 2 * (at[90] - at[95]), 4)
    return [(0.0, 100.0), (one_in_a_million, 99.0), *sorted(measured), (_FARTHEST, 0.0)]


def rates(
    version: str, same: NDArray[np.float64], different: NDArray[np.float64]
) -> list[dict[str, float]]:
    """Return the false-match and true-match rates of the present calibration."""
    known = calibration(version)
    rows = []
    for similarity in TOLD_AT:
        reach = np.sqrt(2 - 2 * known.score(similarity))
        rows.append(
            {
                "similarity": similarity,
                "distance": float(reach),
                "false_match_rate": float((different <= reach).mean()),
                "true_match_rate": float((same <= reach).mean()),
            }
        )
    return rows


def _table(version: str, report: dict[str, Any]) -> Table:
    table = Table(
        "similarity at least", "distance at most", "different people", "same person",
        title=f"{version}: {report['same_pairs']} and {report['different_pairs']} pairs",
    )  # fmt: skip
    for row in report["rates"]:
        table.add_row(
            str(row["similarity"]),
            f"{row['distance']:.3f}",
            f"{row['false_match_rate']:.4%}",
            f"{row['true_match_rate']:.2%}",
        )
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.similarity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="a csv of pairs (same,a,b), or a folder like LFW's")
    parser.add_argument("--precision", choices=("fp32", "int8", "both"), default="both")
    parser.add_argument("--output", type=Path, default=Path(".bench", "similarity.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
