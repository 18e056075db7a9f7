"""Measures this product against deface and face_recognition (dlib), side by side in one run.

Both sides get the same files and the same cores, take turns, and are compared by their medians. Our
side is always the whole handler: from the request's JSON and base64 to the reply's. The peers read
and write files; their packages are installed into .bench/peers, which takes a minute and 800 MB.

Needs the prepared models (`make models`). Further photos to de-identify may be given; faces that
deface finds and we do not are counted: speed must not be bought with misses.
"""

import argparse
import base64
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from rich.progress import track
from rich.table import Table

from benchmarks import measure, peers, scenes
from functions.etri import face_deid
from functions.nhn import compare, detect
from shared.app import App
from shared.core.photos import geometry
from shared.core.photos.models import Box, DetectionProfile, Face, Photo
from shared.http.endpoint import Handler
from tests import builders

_ROUNDS = 3
_SAME_FACE = 0.4  # intersection over union


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: medians in milliseconds; `missed` are faces that only the peer found."""

    what: str
    ours_ms: float
    peer: str
    peer_ms: float
    ours_faces: int | None = None
    peer_faces: int | None = None
    missed: int | None = None

    @property
    def ratio(self) -> float:
        """How many times faster we are."""
        return self.peer_ms / self.ours_ms


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    measure.use_cores(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            *deidentification(Path(folder), arguments.photos, arguments.repeats, arguments.threads),
            *recognition(Path(folder), arguments.repeats, arguments.threads),
        ]
    measure.show(_table(rows, arguments.threads))
    results = [{**asdict(row), "ratio": row.ratio, "threads": arguments.threads} for row in rows]
    measure.write(results, arguments.output or measure.BENCH / f"speed-{arguments.threads}.json")


def deidentification(folder: Path, more: list[Path], repeats: int, threads: int) -> list[Row]:
    """Compare the FaceDeID handler with deface, photo by photo."""
    app = _app(folder, threads)
    paths = [
        scenes.full_hd_street(folder / "three people, 1080p.jpg"),
        scenes.full_hd_crowd(folder / "crowd of 28, 1080p.jpg"),
        *more,
    ]
    request = {"photos": [str(path.resolve()) for path in paths], "repeats": repeats}
    ours: list[list[float]] = [[] for _ in paths]
    theirs: list[list[float]] = [[] for _ in paths]
    answers: list[dict[str, Any]] = []
    for _ in track(range(_ROUNDS), "against deface"):
        answers = peers.run("time_deface", request)
        for number, path in enumerate(paths):
            event = builders.event(body=builders.deid_body(path.read_bytes()))
            call = _caller(face_deid.handler, event, app)
            theirs[number].append(answers[number]["ms"])
            ours[number].append(measure.median_ms(call, repeats))
    rows = []
    for number, path in enumerate(paths):
        found = _boxes(app, path)
        peer_boxes = [Box(*box) for box in answers[number]["boxes"]]
        rows.append(
            Row(
                what=f"de-identify: {path.stem}",
                ours_ms=statistics.median(ours[number]),
                peer="deface",
                peer_ms=statistics.median(theirs[number]),
                ours_faces=len(found),
                peer_faces=len(peer_boxes),
                missed=sum(1 for box in peer_boxes if not _is_among(box, found)),
            )
        )
    return rows


def recognition(folder: Path, repeats: int, threads: int) -> list[Row]:
    """Compare detection, comparison and embedding with face_recognition."""
    app = _app(folder, threads)
    one = scenes.one_face(folder / "one.jpg")
    pair = [scenes.portrait(folder / name, name) for name in ("obama.jpg", "biden.jpg")]
    images = [{"bytes": base64.b64encode(path.read_bytes()).decode()} for path in (one, *pair)]
    detect_event = _nhn_event({"image": images[0]})
    compare_event = _nhn_event(
        {"sourceImage": images[1], "targetImage": images[2], "threshold": 80}
    )
    face_of_one = _first_face(app, one)
    embedder = app.recognizers.get(app.model_version).embedder
    calls: dict[str, tuple[str, Callable[[], object]]] = {
        "detect, 640x480, one face": ("detect", _caller(detect.handler, detect_event, app)),
        "compare two photos": ("compare", _caller(compare.handler, compare_event, app)),
        "embed one face": ("embed", lambda: embedder.embed(*face_of_one)),
    }
    request = {"detect": str(one), "compare": [str(path) for path in pair], "repeats": repeats}
    ours: dict[str, list[float]] = {what: [] for what in calls}
    theirs: dict[str, list[float]] = {what: [] for what in calls}
    for _ in track(range(_ROUNDS), "against face_recognition"):
        answer = peers.run("time_face_recognition", request)
        for what, (name, call) in calls.items():
            theirs[what].append(answer[name])
            ours[what].append(measure.median_ms(call, repeats))
    return [
        Row(what, statistics.median(ours[what]), "face_recognition", statistics.median(times))
        for what, times in theirs.items()
    ]


def _app(folder: Path, threads: int) -> App:
    return builders.app(folder, VISION_THREADS=str(threads))


def _nhn_event(body: object) -> dict[str, Any]:
    event = builders.event(path="/nhn-face-reco", body=body)
    return {**event, "pathParameters": {"appKey": builders.KEY}}


def _caller(handler: Handler, event: dict[str, Any], app: App) -> Callable[[], object]:
    reply = json.loads(handler(event, None, app)["body"])
    if not (reply.get("result") == 0 or reply.get("header", {}).get("isSuccessful")):
        raise ValueError(f"the call to measure fails: {reply}")
    return lambda: handler(event, None, app)


def _boxes(app: App, path: Path) -> list[Box]:
    event = builders.event(body=builders.deid_body(path.read_bytes()))
    found = json.loads(face_deid.handler(event, None, app)["body"])["return_object"]
    return [Box(*face["bbox"]) for face in found.get("results", [])]


def _first_face(app: App, path: Path) -> tuple[Photo, tuple[Face]]:
    photo = app.codec.decode(path.read_bytes())
    return photo, (app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[0],)


def _is_among(box: Box, others: list[Box]) -> bool:
    return any(geometry.iou(box, other) >= _SAME_FACE for other in others)


def _table(rows: list[Row], threads: int) -> Table:
    table = Table(
        "what", "ours ms", "peer", "peer ms", "times faster", "faces", "peer's faces", "missed",
        title=f"threads: {threads}",
    )  # fmt: skip
    for row in rows:
        counts = (row.ours_faces, row.peer_faces, row.missed)
        table.add_row(
            row.what,
            f"{row.ours_ms:.1f}",
            row.peer,
            f"{row.peer_ms:.1f}",
            f"{row.ratio:.1f}",
            *("" if count is None else str(count) for count in counts),
        )
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", type=Path, nargs="*", help="more photos to de-identify")
    parser.add_argument("--threads", type=int, default=1, help="cores for both sides (default 1)")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls a round (default 7)")
    parser.add_argument("--output", type=Path, help="default .bench/speed-THREADS.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
