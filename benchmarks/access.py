"""Measures what the key, its address and its limits add to a call, on SQLite.

A call of an operation that does nothing goes through the whole gateway: once with a key that is
neither stored nor limited, and once with each kind of limits. The difference is what access costs.
Each admission is durable before it is answered, so the disk under the folder matters: the time to
store one row there is measured too. The last line is a 1080p photo, for comparison, and needs the
prepared models (`make models`).
"""

import functools
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import command, measure, scenes
from functions.etri import face_deid
from functions.etri._dialect import etri
from harness import builders
from local_runner import backend
from shared import log
from shared.app import App
from shared.core.metering import keyring
from shared.core.metering.models import DistinctLimit, KeyEvent, Limits, Rate
from shared.core.metering.network import parse_network
from shared.handler import Event
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload

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
    parser = command.parser(__file__, __doc__)
    parser.add_argument("--repeats", type=int, default=60, help="calls of each kind in each round")
    parser.add_argument("--folder", type=Path, default=command.BENCH, help="for the database")
    arguments = parser.parse_args()
    log.configure("ERROR")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        medians = _measure(Path(name), arguments.repeats)
    headings = ("a call, by the limits of its key", "ms", "added by access", "of a 1080p call")
    rows: list[tuple[object, ...]] = []
    for kind, ms in medians.items():
        added = ms - medians[_UNLIMITED]
        shares = (added, f"{added / medians[_PHOTO]:.2%}") if kind in _KINDS else ()
        rows.append((kind, ms, *shares))
    command.report(arguments.output, medians, command.table("medians", headings, rows))


def _measure(folder: Path, repeats: int) -> dict[str, float]:
    """Return the median of each kind of call in milliseconds."""
    app = backend.build(builders.settings(folder), _LOCAL_KEY)
    keys = {_UNLIMITED: _LOCAL_KEY} | {
        kind: _new_key(app, kind, limits) for kind, limits in _KINDS.items()
    }
    calls: measure.Calls = {_ROW: lambda: _store_a_row(app)} | {
        kind: functools.partial(_do_nothing, _event(raw_key, b""), None, app)
        for kind, raw_key in keys.items()
    }
    medians = measure.medians_in_turns(calls, repeats, _ROUNDS)
    photo = _event(_LOCAL_KEY, scenes.full_hd_street(folder / "street.jpg").read_bytes())
    medians[_PHOTO] = measure.median_ms(lambda: face_deid.handler(photo, None, app), _ROUNDS)
    return medians


def _new_key(app: App, name: str, limits: Limits) -> str:
    _, raw_key = keyring.create(
        app.keys, name=name, tenant="t", limits=limits, secret=app.key_secret, by="", now=_now()
    )
    return raw_key


def _store_a_row(app: App) -> None:
    event = KeyEvent(at=_now(), key_id="", key_name="", action="", detail="", by="")
    app.keys.change(event)


def _event(raw_key: str, image: bytes) -> Event:
    headers = {"authorization": raw_key}
    return builders.event(body=builders.deid_body(image), headers=headers)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
