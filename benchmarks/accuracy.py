"""Measures how well people are told apart: prints a table and writes it as JSON.

Needs the prepared models (`make models`) and photos of people, which this repository does not
contain: a csv of pairs, or a folder laid out as Labeled Faces in the Wild, with its pairs.txt for
the official protocol. In each photo the face whose centre is nearest the photo's is meant, as
Labeled Faces in the Wild has it. A photo in which no face is found stays in: its pairs are judged
"different".

Thresholds are cosines of this product's vectors, and the one that is given is where the similarity
is 80; those of face_recognition are its distances.

With --peer, face_recognition's own pipeline (HOG detection, five points, dlib) judges the same
pairs in the same run. Its packages are installed into .bench/peers: a minute and 800 MB.

EXECUTION_PROVIDER and VISION_THREADS choose where and how the product runs; face_recognition runs
on one thread of the CPU.
"""

import argparse
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import measure, pairs, peers
from benchmarks.pairs import Pairs
from benchmarks.verification import Figures, Floats
from shared.app import App
from shared.config import Settings
from shared.core.photos.models import DetectionProfile, Face, Photo

SIMILARITY = 80
PEER_THRESHOLD = 0.6
_PEER_DIMENSIONS = 128

_LINES = {
    "accuracy, cross-validated": "{accuracy:.2%} ± {accuracy_error:.2%}",
    "accuracy at threshold": "{accuracy_at_threshold:.2%} at {threshold:.2f}",
    "best threshold": "{best_threshold:.3f}",
    "TAR at FAR 1%": "{tar_at_far_1_percent:.2%} at {threshold_at_far_1_percent:.3f}",
    "TAR at FAR 0.1%": "{tar_at_far_01_percent:.2%} at {threshold_at_far_01_percent:.3f}",
    "EER": "{equal_error_rate:.2%}",
    "AUC": "{area_under_curve:.4f}",
    "photos without a face": "{photos_without_face}",
    "ms a photo (median)": "{median_ms:.1f}",
}


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What a pipeline made of each photo: its vector, NaN where it found no face, and the time."""

    vectors: NDArray[np.float64]
    ms: NDArray[np.float64]


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    app = App(Settings.from_environment())
    data = pairs.read(arguments.path)
    calibration = app.recognizers.get(app.model_version).calibration
    described = {"this product": describe(app, data)}
    figures = {
        "this product": judge(data, described["this product"], calibration.score(SIMILARITY))
    }
    if arguments.peer:
        described["face_recognition"] = by_peer = describe_by_peer(data)
        figures["face_recognition"] = judge_by_distance(data, by_peer, PEER_THRESHOLD)
    rows = [
        {
            "pipeline": name,
            "photos_without_face": int(np.isnan(described[name].vectors[:, 0]).sum()),
            "median_ms": float(np.median(described[name].ms)),
            **asdict(figures[name]),
        }
        for name in figures
    ]
    Console().print(_table(data, rows))
    measure.write(rows, arguments.output)


def describe(app: App, data: Pairs) -> Described:
    """Return what this product makes of each photo."""
    embedder = app.recognizers.get(app.model_version).embedder
    _, spec = app.catalogue.embedder(app.model_version)
    vectors = np.full((len(data.files), spec.dimensions), np.nan)
    ms = np.empty(len(data.files))
    for number, name in enumerate(track(data.files, "this product")):
        start = time.perf_counter()
        photo = app.codec.decode((data.folder / name).read_bytes())
        faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
        if faces:
            vectors[number] = embedder.embed(photo, [most_central(photo, faces)])[0]
        ms[number] = (time.perf_counter() - start) * 1000
    return Described(vectors, ms)


def describe_by_peer(data: Pairs) -> Described:
    """Return what face_recognition makes of each photo."""
    replies = peers.run("recognise", {"folder": str(data.folder.resolve()), "files": data.files})
    none = [np.nan] * _PEER_DIMENSIONS
    return Described(
        vectors=np.array([reply["vector"] or none for reply in replies]),
        ms=np.array([reply["ms"] for reply in replies]),
    )


def most_central(photo: Photo, faces: tuple[Face, ...]) -> Face:
    """Return the face whose centre is nearest the photo's."""
    width, height = photo.upright_size

    def off_centre(face: Face) -> float:
        box = face.box
        return float(np.hypot(box.x1 + box.x2 - width, box.y1 + box.y2 - height))

    return min(faces, key=off_centre)


def judge(data: Pairs, described: Described, threshold: float) -> Figures:
    """Return the figures of unit vectors by their cosines, as all the thresholds are."""
    vectors = described.vectors
    cosines = (vectors[data.first] * vectors[data.second]).sum(axis=1)
    figures = _judge(data, 1 - cosines, 1 - threshold)
    return replace(
        figures,
        threshold=1 - figures.threshold,
        best_threshold=1 - figures.best_threshold,
        threshold_at_far_1_percent=1 - figures.threshold_at_far_1_percent,
        threshold_at_far_01_percent=1 - figures.threshold_at_far_01_percent,
    )


def judge_by_distance(data: Pairs, described: Described, threshold: float) -> Figures:
    """Return the figures of vectors by their distances."""
    vectors = described.vectors
    distances = np.linalg.norm(vectors[data.first] - vectors[data.second], axis=1)
    return _judge(data, distances, threshold)


def _judge(data: Pairs, distances: Floats, threshold: float) -> Figures:
    """Return the figures; without a vector a distance is infinite."""
    known = np.where(np.isnan(distances), np.inf, distances)
    return Figures.of(known, data.same, data.folds, threshold)


def _table(data: Pairs, rows: list[dict[str, Any]]) -> Table:
    """Return the figures line by line, a pipeline a column."""
    same = np.count_nonzero(data.same)
    table = Table(
        title=f"{len(data.files)} photos, {same} same and {len(data.same) - same} different pairs",
        caption="thresholds are cosines, those of face_recognition distances",
    )
    table.add_column("")
    for row in rows:
        table.add_column(row["pipeline"], justify="right")
    for heading, text in _LINES.items():
        table.add_row(heading, *(text.format(**row) for row in rows))
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="a csv of pairs (same,a,b), or a folder like LFW's")
    parser.add_argument("--peer", action="store_true", help="compare with face_recognition")
    parser.add_argument("--output", type=Path, default=Path(".bench", "accuracy.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
