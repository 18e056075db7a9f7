"""The scheduled clean-up."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.events.clean_up import handler
from harness import builders
from local_runner.functions import Context
from shared.app import App
from shared.config import ROOT
from shared.core import cleanup
from shared.core.metering.models import Limits
from shared.core.recognition import groups
from tests.shared.storage.stores import Store, new_face

EVENT: dict[str, Any] = json.loads((ROOT / "tests/golden/events/schedule.json").read_bytes())
NOTHING = {**dict.fromkeys(cleanup.REMOVED, 0), "failed": 0, "unfinished": 0}
YEAR_S = 365 * 86_400


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(builders.settings(tmp_path))


def call(app: App, *, remaining_s: float = 60.0) -> dict[str, Any]:
    return handler(EVENT, FewSeconds("CleanUpFunction", "r", remaining_s), app)


class FewSeconds(Context):
    """An invocation with only a few seconds left."""

    def get_remaining_time_in_millis(self) -> int:
        return int(self.expires_at * 1000)


def litter(app: App) -> None:
    store = Store(app.groups, app.faces)
    group = store.create()
    app.faces.add(group, [new_face() for _ in range(501)], capacity=1000)
    groups.delete(app.groups, app.faces, tenant="t", group_id="g")
    app.snapshots.put(f"{group.generation}/v1/part", b"x")
    app.inbox.put("a.jpg", b"x")
    app.outbox.put("quarantine/b.jpg", b"x")
    app.usage.admit("k", Limits(in_flight=1), now=app.clock() - 2 * YEAR_S, lease_s=90)


def in_a_year(app: App) -> App:
    return builders.app_with(app.settings, clock=lambda: app.clock() + YEAR_S)


def test_removes_what_has_expired(app: App) -> None:
    litter(app)
    later = in_a_year(app)
    assert call(later) == {
        **NOTHING,
        "face_rows": 1, "leases": 1, "periods": 2,
        "snapshot_parts": 1, "originals": 1, "quarantined": 1,
    }  # fmt: skip
    assert call(later) == NOTHING
    assert list(app.inbox.list()) == list(app.outbox.list()) == list(app.snapshots.list()) == []


def test_keeps_what_has_not_expired(app: App) -> None:
    litter(app)
    assert call(app) == {**NOTHING, "face_rows": 1, "leases": 1, "periods": 2}
    assert [info.key for info in app.inbox.list()] == ["a.jpg"]


def test_stops_before_the_invocation_times_out(app: App) -> None:
    litter(app)
    assert call(app, remaining_s=4.0) == {**NOTHING, "unfinished": 1}
    assert call(app)["face_rows"] == 1


def test_an_invocation_fails_if_one_of_its_steps_failed(app: App) -> None:
    litter(app)

    class Broken:
        def purge(self, limit: int) -> int:
            raise OSError(limit)

    with pytest.raises(RuntimeError):
        call(builders.app_with(in_a_year(app).settings, faces=Broken(), clock=in_a_year(app).clock))
    assert list(app.inbox.list()) == []
