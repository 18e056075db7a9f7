"""Measures how well people are distinguished.

Needs the prepared models (`make models`) and photos of people, which this repository does not
contain: a csv of pairs, or a folder laid out like Labeled Faces in the Wild, with its pairs.txt for
the official protocol. In each photo the face whose centre is nearest the photo's is meant. A photo
in which no face is found stays in: its pairs are judged "different".

Thresholds are distances: 1 minus the cosine for this product, whose fixed one is where the
similarity is 80, and those of face_recognition.

With --peer, face_recognition's own pipeline (HOG detection, five points, dlib) judges the same
pairs in the same run. Its packages are installed into .bench/peers: a minute and 800 MB.

EXECUTION_PROVIDER and VISION_THREADS choose where and how the product runs; face_recognition runs
on one thread of the CPU.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks import command, pairs, peers, people
from benchmarks.pairs import Pairs
from benchmarks.people import Described
from benchmarks.verification import Figures, Floats
from shared.app import App
from shared.config import Settings

SIMILARITY = 80
PEER_THRESHOLD = 0.6
_PEER_DIMENSIONS = 128

_LINES = {
    "accuracy, cross-validated": "{accuracy:.2%} ± {accuracy_error:.2%}",
    "accuracy at threshold": "{accuracy_at_threshold:.2%} at {threshold:.2f}",
    "TAR at FAR 1%": "{tar_at_far_1_percent:.2%} at {threshold_at_far_1_percent:.3f}",
    "TAR at FAR 0.1%": "{tar_at_far_01_percent:.2%} at {threshold_at_far_01_percent:.3f}",
    "EER": "{equal_error_rate:.2%}",
    "photos without a face": "{photos_without_face}",
    "ms a photo (median)": "{median_ms:.1f}",
}

Row = dict[str, str | float]


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("path", type=Path, help=command.PAIRS_HELP)
    parser.add_argument("--peer", action="store_true", help="compare with face_recognition")
    arguments = parser.parse_args()
    app = App(Settings.from_environment())
    data = pairs.read(arguments.path)
    threshold = 1 - app.recognizers.get(app.model_version).calibration.score(SIMILARITY)
    described = people.describe(app, data)
    figures = judge(data, cosine_distances(data, described.vectors), threshold)
    rows = [_row("this product", described, figures)]
    if arguments.peer:
        described = describe_by_peer(data)
        figures = judge(data, euclidean_distances(data, described.vectors), PEER_THRESHOLD)
        rows.append(_row("face_recognition", described, figures))
    command.report(arguments.output, rows, _table(data, rows))


def describe_by_peer(data: Pairs) -> Described:
    """Return what face_recognition makes of each photo."""
    request = {"task": "describe", "folder": str(data.folder.resolve()), "files": data.files}
    replies = peers.run("use_face_recognition", request)
    none = [np.nan] * _PEER_DIMENSIONS
    return Described(
        vectors=np.array([reply["vector"] or none for reply in replies]),
        ms=np.array([reply["ms"] for reply in replies]),
    )


def cosine_distances(data: Pairs, vectors: Floats) -> Floats:
    """Return 1 minus the cosine of each pair of unit vectors, (N,)."""
    cosines: Floats = np.sum(vectors[data.first] * vectors[data.second], axis=1)
    return 1 - cosines


def euclidean_distances(data: Pairs, vectors: Floats) -> Floats:
    """Return the distance of each pair of vectors, (N,)."""
    distances: Floats = np.linalg.norm(vectors[data.first] - vectors[data.second], axis=1)
    return distances


def judge(data: Pairs, distances: Floats, threshold: float) -> Figures:
    """Return the figures of distances, NaN where a photo has no vector: these are infinite."""
    known = np.where(np.isnan(distances), np.inf, distances)
    return Figures.of(known, data.same, data.folds, threshold)


def _row(pipeline: str, described: Described, figures: Figures) -> Row:
    return {
        "pipeline": pipeline,
        "photos_without_face": int(np.isnan(described.vectors[:, 0]).sum()),
        "median_ms": float(np.median(described.ms)),
        **asdict(figures),
    }


def _table(data: Pairs, rows: list[Row]) -> Table:
    """Return the figures line by line, with a column for each pipeline."""
    same = np.count_nonzero(data.same)
    title = f"{len(data.files)} photos, {same} same and {len(data.same) - same} different pairs"
    headings = ("", *(str(row["pipeline"]) for row in rows))
    lines = [(name, *(text.format(**row) for row in rows)) for name, text in _LINES.items()]
    return command.table(title, headings, lines)


if __name__ == "__main__":
    main()
