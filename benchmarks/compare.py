"""Measures how well people are told apart by /compare itself, from request to reply.

Needs the prepared models (`make models`) and pairs of photos, as `benchmarks.accuracy` does. The
source's largest face is compared with every face of the target, as the API has it; the most similar
one counts, and a pair without one is judged "different". Photos below the API's 80 pixels cannot be
measured so.
"""

import argparse
import base64
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from benchmarks import measure, pairs
from benchmarks.pairs import Pairs
from benchmarks.verification import Figures
from functions.nhn import compare
from tests import builders

THRESHOLD = 80  # of similarity


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    data = pairs.read(arguments.path)
    unlike = 100 - similarities(data)
    figures = Figures.of(unlike, data.same, data.folds, 100 - THRESHOLD)
    table = Table("figure", "value", title=f"/compare on {len(data.same)} pairs")
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), f"{value:.4f}")
    table.caption = "thresholds are 100 minus a similarity"
    measure.show(table)
    measure.write(asdict(figures), arguments.output)


def similarities(data: Pairs) -> NDArray[np.float64]:
    """Return the similarity of each pair, -inf where no face was compared."""
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), LOG_LEVEL="ERROR")
        images = [
            {"bytes": base64.b64encode((data.folder / name).read_bytes()).decode()}
            for name in data.files
        ]
        found = np.empty(len(data.same))
        for number in track(range(len(found)), "comparing"):
            body = {
                "sourceImage": images[data.first[number]],
                "targetImage": images[data.second[number]],
                "threshold": 1,
            }
            reply = builders.answer(compare.handler(_event(body), None, app))
            found[number] = _best(reply.get("data", {}))
    return found


def _event(body: object) -> dict[str, Any]:
    event = builders.event(path="/nhn-face-reco", body=body)
    return {**event, "pathParameters": {"appKey": builders.KEY}}


def _best(data: dict[str, Any]) -> float:
    faces = data.get("matchedFaceDetails", []) + data.get("unmatchedFaceDetails", [])
    return max((face["similarity"] for face in faces), default=-np.inf)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="a csv of pairs (same,a,b), or a folder like LFW's")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "compare.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
