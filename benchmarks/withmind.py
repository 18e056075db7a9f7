"""Measures enrolling and analysing one person against the service levels of WithMind's guide.

The whole handler is timed, from the form of the request to the JSON of the reply, with a photo of
400 KB, on the SQLite store. Needs the prepared models (`make models`).
"""

import io
import tempfile
from pathlib import Path

import cv2
import requests

from benchmarks import calls, command, measure
from functions.withmind import analy_img, enrollment_img
from harness import builders, photos
from shared.handler import Event

_SIDE = 1400  # pixels of the photo's longer side
_MIN_BYTES, _MAX_BYTES = 380_000, 420_000
_HANDLERS = {"/enrollment_img/": enrollment_img.handler, "/analy_img/": analy_img.handler}
_LIMITS_MS = {"/enrollment_img/": 500.0, "/analy_img/": 1000.0}


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--threads", type=int, default=1, help="cores to use")
    parser.add_argument("--repeats", type=int, default=15, help="timed calls")
    arguments = parser.parse_args()
    measure.use_cores(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    photo = _photo()
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), VISION_THREADS=str(arguments.threads))
        timed = {
            path: calls.checked(handler, _event(path, photo), app)
            for path, handler in _HANDLERS.items()
        }
        medians = measure.medians_in_turns(timed, arguments.repeats, rounds=1)
    rows = [
        {
            "operation": path,
            "ms": ms,
            "limit ms": _LIMITS_MS[path],
            "times faster": _LIMITS_MS[path] / ms,
            "threads": arguments.threads,
        }
        for path, ms in medians.items()
    ]
    table = command.records(f"one person, a photo of {len(photo)} bytes", rows, digits=1)
    command.report(arguments.output, rows, table)


def _photo() -> bytes:
    """Return a JPEG of one person, of about 400 KB."""
    pixels = photos.pixels("obama.jpg")
    scale = _SIDE / max(pixels.shape)
    large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for quality in range(99, 60, -1):
        data = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if _MIN_BYTES <= len(data) <= _MAX_BYTES:
            return data
    raise ValueError("no quality makes a file of about 400 KB")


def _event(path: str, photo: bytes) -> Event:
    request = requests.Request(
        "POST",
        "http://localhost" + path,
        data={"company": "withmind", "id": "tamy"},
        files={"image": ("photo.jpg", io.BytesIO(photo), "image/jpeg")},
    ).prepare()
    headers = {"content-type": str(request.headers["Content-Type"])}
    return {**builders.event(path=path, headers=headers), "body": request.body}


if __name__ == "__main__":
    main()
