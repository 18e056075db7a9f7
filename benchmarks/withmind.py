"""Measures enrolling and analysing one person against the service levels of WithMind's guide.

The whole handler is timed, from the form of the request to the JSON of the reply, with a photo of
400 KB, on the SQLite store. Needs the prepared models (`make models`).
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import requests
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from functions.withmind import analy_img, enrollment_img
from shared.app import App
from shared.http.endpoint import Handler
from shared.http.request import Event
from tests import builders, photos

_SIDE = 1400  # pixels of the photo's longer side
_MIN_BYTES, _MAX_BYTES = 380_000, 420_000
_LIMITS_MS = {"/enrollment_img/": 500.0, "/analy_img/": 1000.0}


@dataclass(frozen=True, slots=True)
class Row:
    """The median of an operation and what the guide promises, in milliseconds."""

    path: str
    median_ms: float
    limit_ms: float
    photo_bytes: int

    @property
    def times_inside(self) -> float:
        """How many times faster than promised."""
        return self.limit_ms / self.median_ms


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    measure.use_cores(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    photo = _photo()
    with tempfile.TemporaryDirectory() as folder:
        app = builders.app(Path(folder), VISION_THREADS=str(arguments.threads))
        calls = {
            "/enrollment_img/": _caller(enrollment_img.handler, "/enrollment_img/", photo, app),
            "/analy_img/": _caller(analy_img.handler, "/analy_img/", photo, app),
        }
        rows = [
            Row(path, measure.median_ms(call, arguments.repeats), _LIMITS_MS[path], len(photo))
            for path, call in calls.items()
        ]
    Console().print(_table(rows, arguments.threads))
    results = [
        {**asdict(row), "times_inside": row.times_inside, "threads": arguments.threads}
        for row in rows
    ]
    measure.write(results, arguments.output)


def _photo() -> bytes:
    """Return a JPEG of one person, of about 400 KB."""
    pixels = cv2.imdecode(np.frombuffer(photos.load("obama.jpg"), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("the photo cannot be decoded")
    scale = _SIDE / max(pixels.shape)
    pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for quality in range(99, 60, -1):
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if _MIN_BYTES <= len(data) <= _MAX_BYTES:
            return data
    raise ValueError("no quality makes a file of about 400 KB")


def _caller(handler: Handler, path: str, photo: bytes, app: App) -> Callable[[], object]:
    event = _event(path, photo)
    reply = handler(event, None, app)["body"]
    if reply not in ('{"result":"Success"}', '{"result":{"person_1":"match"}}'):
        raise ValueError(f"the call to measure fails: {reply}")
    return lambda: handler(event, None, app)


def _event(path: str, photo: bytes) -> Event:
    request = requests.Request(
        "POST",
        "http://localhost" + path,
        data={"company": "withmind", "id": "tamy"},
        files={"image": ("photo.jpg", io.BytesIO(photo), "image/jpeg")},
    ).prepare()
    headers = {"content-type": str(request.headers["Content-Type"])}
    return {**builders.event(path=path, headers=headers), "body": request.body}


def _table(rows: list[Row], threads: int) -> Table:
    table = Table("operation", "ms", "promised ms", "times inside", title=f"threads: {threads}")
    for row in rows:
        table.add_row(
            row.path, f"{row.median_ms:.1f}", f"{row.limit_ms:.0f}", f"{row.times_inside:.1f}"
        )
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.withmind",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    parser.add_argument("--repeats", type=int, default=15, help="timed calls (default 15)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "withmind.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
