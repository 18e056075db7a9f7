"""Measures what HTTP, JSON, base64 and routing add to the vision time of a 1080p photo.

The same photo goes through the core function, through the handler, and over HTTP to a real server
process, in turns. Needs the prepared models (`make models`).
"""

import argparse
import http.client
import json
import statistics
import tempfile
from functools import partial
from pathlib import Path

from rich.table import Table

from benchmarks import measure, scenes
from functions.etri import face_deid
from shared.core.deadline import Deadline
from shared.core.hiding.deidentify import deidentify
from shared.core.hiding.hide_options import HideOptions
from tests import builders
from tests.e2e.server import running

_ROUNDS = 5


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running("serve", folder, LOCAL_KEY=builders.KEY, WORKERS="1") as server:
            medians = _measure(folder, server.url, arguments.repeats)
    vision = medians["vision: the core function"]
    table = Table("way", "ms", "added", title="one 1080p photo, de-identified")
    for way, ms in medians.items():
        table.add_row(way, f"{ms:.1f}", f"{(ms - vision) / vision:+.1%}")
    measure.show(table)
    measure.write(medians, arguments.output)


def _measure(folder: Path, url: str, repeats: int) -> dict[str, float]:
    data = scenes.full_hd_street(folder / "street.jpg").read_bytes()
    app = builders.app(folder / "handler")
    event = builders.event(body=builders.deid_body(data))
    body = json.dumps(builders.deid_body(data))
    connection = http.client.HTTPConnection(url.removeprefix("http://"))

    def core() -> object:
        return deidentify(
            app.codec, app.detector, app.redactor, partial(app.open_gallery, ""),
            data=data, options=HideOptions(), deadline=Deadline.after(60),
        )  # fmt: skip

    def over_http() -> object:
        connection.request("POST", "/FaceDeID", body, {"Authorization": builders.KEY})
        return connection.getresponse().read()

    ways = {
        "vision: the core function": core,
        "handler: JSON and base64": lambda: face_deid.handler(event, None, app),
        "HTTP: a client and a server process": over_http,
    }
    rounds = [
        {way: measure.median_ms(call, repeats) for way, call in ways.items()}
        for _ in range(_ROUNDS)
    ]
    return {way: statistics.median(each[way] for each in rounds) for way in ways}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed calls a round (default 5)")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "overhead.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
