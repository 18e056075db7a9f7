"""Measures how well `/compare` distinguishes people, from request to reply.

Needs the prepared models (`make models`) and pairs of photos, as `benchmarks.accuracy` does. The
source's largest face is compared with every face of the target, as the API does it; the most
similar one counts, and a pair without one is judged "different". Photos must be at least 80 pixels
wide and high, as the API demands.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks import calls, command, pairs
from benchmarks.pairs import Pairs
from benchmarks.verification import Figures
from functions.nhn import compare
from harness import builders

THRESHOLD = 80  # of similarity


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("path", type=Path, help=command.PAIRS_HELP)
    arguments = parser.parse_args()
    data = pairs.read(arguments.path)
    figures = Figures.of(100 - similarities(data), data.same, data.folds, 100 - THRESHOLD)
    title = f"/compare on {len(data.same)} pairs; thresholds are 100 minus a similarity"
    table = command.table(title, ("figure", "value"), asdict(figures).items(), digits=4)
    command.report(arguments.output, asdict(figures), table)


def similarities(data: Pairs) -> NDArray[np.float64]:
    """Return the similarity of each pair, float64 of shape (N,), -inf where none was compared."""
    images = [calls.nhn_image((data.folder / name).read_bytes()) for name in data.files]
    found = np.empty(len(data.same))
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), LOG_LEVEL="ERROR")
        for number in track(range(len(found)), "comparing"):
            source, target = images[data.first[number]], images[data.second[number]]
            body = {"sourceImage": source, "targetImage": target, "threshold": 1}
            reply = builders.answer(compare.handler(calls.nhn_event(body), None, app))
            found[number] = _best(reply.get("data", {}))
    return found


def _best(data: dict[str, Any]) -> float:
    faces = data.get("matchedFaceDetails", []) + data.get("unmatchedFaceDetails", [])
    return max((face["similarity"] for face in faces), default=-np.inf)


if __name__ == "__main__":
    main()
