"""Measures what the key, its address and its limits add to a call, on SQLite.

A call of an operation that does nothing goes through the whole gateway: once with a key that is
neither stored nor limited, and once a kind of limits. The difference is what access costs. Each
admission is durable when it is answered, so the disk under the folder counts: how long one row
takes to be stored there is measured too. The last line is a 1080p photo, for comparison, and needs
the prepared models (`make models`).
"""

import argparse
import functools
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import measure, scenes
from functions.etri import face_deid
from functions.etri._dialect import etri
from local_runner import backend
from shared import log
from shared.app import App
from shared.core.metering import keyring
from shared.core.metering.models import DistinctLimit, KeyEvent, Limits, Rate
from shared.core.metering.network import parse_network
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload
from tests import builders

_PLENTY = 10**9
_KINDS = {
    "calls of the day": Limits(daily=_PLENTY),
    "day, month and year": Limits(daily=_PLENTY, monthly=_PLENTY, yearly=_PLENTY),
    "networks and addresses": Limits(
        daily=_PLENTY,
        networks=(parse_network("203.0.113.0/24"),),
        addresses=DistinctLimit(3, 86_400),
    ),
    "rate": Limits(daily=_PLENTY, rate=Rate(1000, burst=_PLENTY)),
    "calls in flight": Limits(daily=_PLENTY, in_flight=4),
}
_LOCAL_KEY = "the-local-key"
_ROUNDS = 5
_ROW = "one row, stored"
_UNLIMITED = "neither stored nor limited"
_PHOTO = "a 1080p photo, de-identified"


@endpoint(etri)
def _do_nothing(_request: Request, _app: App) -> Payload:
    return {}


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    log.configure("ERROR")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        medians = _measure(Path(name), arguments.repeats)
    Console().print(_table(medians))
    measure.write(medians, arguments.output)


def _measure(folder: Path, repeats: int) -> dict[str, float]:
    """Return the median of each way in milliseconds; the ways take turns."""
    app = backend.build(builders.settings(folder), _LOCAL_KEY)
    keys = {_UNLIMITED: _LOCAL_KEY} | {
        kind: _new_key(app, kind, limits) for kind, limits in _KINDS.items()
    }
    ways = {_ROW: lambda: _store_a_row(app)} | {
        kind: functools.partial(_do_nothing, _event(text, b""), None, app)
        for kind, text in keys.items()
    }
    rounds = [
        {way: measure.median_ms(call, repeats) for way, call in ways.items()}
        for _ in range(_ROUNDS)
    ]
    medians = {way: statistics.median(each[way] for each in rounds) for way in ways}
    photo = _event(_LOCAL_KEY, scenes.full_hd_street(folder / "street.jpg").read_bytes())
    medians[_PHOTO] = measure.median_ms(lambda: face_deid.handler(photo, None, app), _ROUNDS)
    return medians


def _new_key(app: App, name: str, limits: Limits) -> str:
    _, text = keyring.create(
        app.keys, name=name, tenant="t", limits=limits, secret=app.key_secret, by="", now=_now()
    )
    return text


def _store_a_row(app: App) -> None:
    event = KeyEvent(at=_now(), key_id="", key_name="", action="", detail="", by="")
    app.keys.change(event)


def _event(raw_key: str, image: bytes) -> dict[str, Any]:
    headers = {"authorization": raw_key}
    return builders.event(body=builders.deid_body(image), headers=headers)


def _now() -> datetime:
    return datetime.now(UTC)


def _table(medians: dict[str, float]) -> Table:
    table = Table("", title="a call, by the limits of its key (medians)", title_justify="left")
    for heading in ("ms", "added by access", "of a 1080p call"):
        table.add_column(heading, justify="right")
    table.add_row(_UNLIMITED, f"{medians[_UNLIMITED]:.2f}", "", "")
    for kind in _KINDS:
        added = medians[kind] - medians[_UNLIMITED]
        table.add_row(
            kind, f"{medians[kind]:.2f}", f"{added:.2f} ms", f"{added / medians[_PHOTO]:.2%}"
        )
    table.add_section()
    for way in (_ROW, _PHOTO):
        table.add_row(way, f"{medians[way]:.2f}", "", "")
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.access",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=60, help="calls a way a round (default 60)")
    parser.add_argument(
        "--folder", type=Path, default=measure.BENCH, help="where the database is put"
    )
    parser.add_argument("--output", type=Path, default=measure.BENCH / "access.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
