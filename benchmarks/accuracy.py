"""Measures how well people are told apart: prints a table and writes it as JSON.

Needs the prepared models (`make models`) and photos of people, which this repository does not
contain: a csv of pairs, or a folder laid out as Labeled Faces in the Wild, with its pairs.txt for
the official protocol. In each photo the face whose centre is nearest the photo's is meant, as
Labeled Faces in the Wild has it. A photo in which no face is found stays in: its pairs are judged
"different".

With --peer, face_recognition's own pipeline (HOG detection, five points, dlib) judges the same
pairs in the same run. Its packages are installed into .bench/peers: a minute and 800 MB.

EXECUTION_PROVIDER and VISION_THREADS choose where and how the product runs; face_recognition runs
on one thread of the CPU.
"""

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import measure, pairs, peers
from benchmarks.pairs import Pairs
from benchmarks.verification import Figures
from shared.app import App
from shared.config import Precision, Settings
from shared.core.models import DetectionScale, Face, Photo
from shared.vision import weights
from shared.vision.embedder import DIMENSIONS

THRESHOLD = 0.41
PEER_THRESHOLD = 0.6

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
    data = pairs.read(arguments.path)
    pipelines: dict[str, tuple[Described, float]] = {}
    for precision in get_args(Precision):
        if arguments.precision in (precision, "both"):
            pipelines[f"this product, {precision}"] = describe(data, precision), THRESHOLD
    if arguments.peer:
        pipelines["face_recognition"] = describe_by_peer(data), PEER_THRESHOLD
    rows = [
        {
            "pipeline": name,
            "photos_without_face": int(np.isnan(described.vectors[:, 0]).sum()),
            "median_ms": float(np.median(described.ms)),
            **asdict(judge(data, described, threshold)),
        }
        for name, (described, threshold) in pipelines.items()
    ]
    Console().print(_table(data, rows))
    measure.write(rows, arguments.output)


def describe(data: Pairs, precision: Precision) -> Described:
    """Return what this product makes of each photo."""
    app = App(Settings.from_environment())
    version = weights.catalogue()[f"dlib-resnet-{precision}"].version
    images, detector, embedder = app.images, app.detector, app.recognitions.of(version).embedder
    vectors = np.full((len(data.files), DIMENSIONS), np.nan)
    ms = np.empty(len(data.files))
    for number, name in enumerate(track(data.files, f"this product, {precision}")):
        start = time.perf_counter()
        photo = images.decode((data.folder / name).read_bytes())
        faces = detector.detect(photo, scale=DetectionScale.RECOGNITION)
        if faces:
            vectors[number] = embedder.embed(photo, [most_central(photo, faces)])[0]
        ms[number] = (time.perf_counter() - start) * 1000
    return Described(vectors, ms)


def describe_by_peer(data: Pairs) -> Described:
    """Return what face_recognition makes of each photo."""
    replies = peers.run("recognise", {"folder": str(data.folder.resolve()), "files": data.files})
    none = [np.nan] * DIMENSIONS
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
    """Return the figures of a pipeline; without a vector a distance is infinite."""
    vectors = described.vectors
    distances = np.linalg.norm(vectors[data.first] - vectors[data.second], axis=1)
    distances[np.isnan(distances)] = np.inf
    return Figures.of(distances, data.same, data.folds, threshold)


def _table(data: Pairs, rows: list[dict[str, Any]]) -> Table:
    """Return the figures line by line, a pipeline a column."""
    same = np.count_nonzero(data.same)
    table = Table(
        title=f"{len(data.files)} photos, {same} same and {len(data.same) - same} different pairs",
        caption="thresholds are distances",
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
    parser.add_argument("--precision", choices=("fp32", "int8", "both"), default="both")
    parser.add_argument("--peer", action="store_true", help="compare with face_recognition")
    parser.add_argument("--output", type=Path, default=Path(".bench", "accuracy.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
