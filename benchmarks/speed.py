"""Measures this product against deface and face_recognition (dlib), side by side in one run.

Both sides get the same files and the same cores, take turns, and are compared by their medians. Our
side is always the whole handler: from the request's JSON and base64 to the reply's. The peers read
and write files; their packages are installed into .bench/peers, which takes a minute and 800 MB.

Needs the prepared models (`make models`). More photos to de-identify may be given. Faces that
deface finds and we do not are counted: speed must not be bought with misses.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from rich.progress import track

from benchmarks import calls, command, measure, peers, scenes
from functions.etri import face_deid
from functions.nhn import compare, detect
from harness import builders, photos
from shared.app import App
from shared.core.photos import geometry
from shared.core.photos.models import Box, DetectionProfile
from shared.handler import Event

_ROUNDS = 3
_SAME_FACE = 0.4  # intersection over union


Row = dict[str, object]


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("photos", type=Path, nargs="*", help="more photos to de-identify")
    parser.add_argument("--threads", type=int, default=1, help="cores for both sides")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls a round")
    parser.set_defaults(output=None)
    arguments = parser.parse_args()
    threads = arguments.threads
    measure.use_cores(threads)
    cv2.setNumThreads(threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = builders.app(folder, VISION_THREADS=str(threads))
        rows = [
            *deidentification(app, folder, arguments.photos, arguments.repeats),
            *recognition(app, folder, arguments.repeats),
        ]
    output = arguments.output or command.BENCH / f"speed-{threads}.json"
    command.report(output, rows, command.records(f"threads: {threads}", rows, digits=1))


def deidentification(app: App, folder: Path, more: list[Path], repeats: int) -> list[Row]:
    """Compare the FaceDeID handler with deface, photo by photo."""
    paths = [
        scenes.full_hd_street(folder / "three people, 1080p.jpg"),
        scenes.full_hd_crowd(folder / "crowd of 28, 1080p.jpg"),
        *more,
    ]
    events = [builders.event(body=builders.deid_body(path.read_bytes())) for path in paths]
    timed = [calls.checked(face_deid.handler, event, app) for event in events]
    request = {
        "task": "time",
        "photos": [str(path.resolve()) for path in paths],
        "repeats": repeats,
    }
    ours: list[list[float]] = []
    theirs: list[list[dict[str, Any]]] = []
    for _ in track(range(_ROUNDS), "against deface"):
        theirs.append(peers.run("use_deface", request))
        ours.append([measure.median_ms(call, repeats) for call in timed])
    rows = []
    for number, path in enumerate(paths):
        found = _boxes(app, events[number])
        peer_boxes = [Box(*box) for box in theirs[-1][number]["boxes"]]
        rows.append(
            _row(
                f"de-identify: {path.stem}",
                [each[number] for each in ours],
                "deface",
                [each[number]["ms"] for each in theirs],
                len(found),
                len(peer_boxes),
                sum(not _is_among(box, found) for box in peer_boxes),
            )
        )
    return rows


def recognition(app: App, folder: Path, repeats: int) -> list[Row]:
    """Compare detection, comparison and embedding with face_recognition."""
    paths = [scenes.one_face(folder / "one.jpg")]
    for name in photos.TWO_PEOPLE:
        paths.append(folder / name)
        paths[-1].write_bytes(photos.load(name))
    one, source, target = (calls.nhn_image(path.read_bytes()) for path in paths)
    to_detect = calls.nhn_event({"image": one})
    to_compare = calls.nhn_event({"sourceImage": source, "targetImage": target, "threshold": 80})
    photo = app.codec.decode(paths[0].read_bytes())
    faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[:1]
    embedder = app.recognizers.get(app.model_version).embedder
    timed: dict[str, tuple[str, Callable[[], object]]] = {
        "detect, 640x480, one face": ("detect", calls.checked(detect.handler, to_detect, app)),
        "compare two photos": ("compare", calls.checked(compare.handler, to_compare, app)),
        "embed one face": ("embed", lambda: embedder.embed(photo, faces)),
    }
    one_path, *two_paths = map(str, paths)
    request = {"task": "time", "detect": one_path, "compare": two_paths, "repeats": repeats}
    ours: dict[str, list[float]] = {what: [] for what in timed}
    theirs: dict[str, list[float]] = {what: [] for what in timed}
    for _ in track(range(_ROUNDS), "against face_recognition"):
        answer = peers.run("use_face_recognition", request)
        for what, (name, call) in timed.items():
            theirs[what].append(answer[name])
            ours[what].append(measure.median_ms(call, repeats))
    return [_row(what, ours[what], "face_recognition", theirs[what]) for what in timed]


def _row(what: str, ours_ms: list[float], peer: str, peer_ms: list[float], *faces: int) -> Row:
    """Return one comparison by medians; `faces` are ours, the peer's, and the peer's alone."""
    ours, theirs = statistics.median(ours_ms), statistics.median(peer_ms)
    row = {"what": what, "ours ms": ours, "peer": peer, "peer ms": theirs, "ratio": theirs / ours}
    headings = ("faces", "peer's faces", "missed")
    return row | dict(zip(headings, faces or [""] * len(headings), strict=True))


def _boxes(app: App, event: Event) -> list[Box]:
    found = builders.answer(face_deid.handler(event, None, app))["return_object"]
    return [Box(*face["bbox"]) for face in found.get("results", [])]


def _is_among(box: Box, others: list[Box]) -> bool:
    return any(geometry.iou(box, other) >= _SAME_FACE for other in others)


if __name__ == "__main__":
    main()
