"""The function that updates snapshots, called with the events of a stream."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.events.update_index import handler
from harness import builders
from harness.face_vectors import Population
from harness.stored_faces import enrol
from shared.app import App
from shared.config import ROOT
from shared.core.errors import StoreUnavailableError
from shared.core.recognition import groups
from shared.core.recognition.models import Group

EVENT = json.loads((ROOT / "tests/golden/events/dynamodb_faces.json").read_text())
LARGE = 1000


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(builders.settings(tmp_path, INDEX_MIN_FACES=str(LARGE)))


def group_of(app: App, faces: int, name: str = "g") -> Group:
    if not app.groups.list_page("t", after=None, limit=1):
        groups.create(app.groups, app.sealer, tenant="t", group_id=name, model_version="m")
    enrol(app, app.groups.get("t", name), Population(people=300, seed=faces).anyone(faces))
    return app.groups.get("t", name)


def event_of(*generations: str) -> dict[str, Any]:
    """Return the golden event, with its records as changes of these generations."""
    (template, *_) = EVENT["Records"]
    records = []
    for number, generation in enumerate(generations):
        keys = {**template["dynamodb"]["Keys"], "generation": {"S": generation}}
        change = {**template["dynamodb"], "Keys": keys, "SequenceNumber": str(number)}
        records.append({**template, "eventID": f"event-{number}", "dynamodb": change})
    return {"Records": records}


def versions(app: App) -> set[str]:
    return {info.key.split("/")[1] for info in app.snapshots.list()} - {"manifest"}


def test_events_of_deleted_groups_are_not_failures(app: App) -> None:
    assert handler(EVENT, None, app) == {"batchItemFailures": []}


def test_a_batch_makes_a_snapshot_exactly_once(app: App) -> None:
    group = group_of(app, LARGE)
    event = event_of(*[group.generation] * 5)
    for _ in range(2):
        assert handler(event, None, app) == {"batchItemFailures": []}
        assert len(versions(app)) == 1
    manifest = app.snapshot_store.manifest(group)
    assert manifest is not None
    assert (manifest.faces, manifest.last_change) == (LARGE, LARGE)


def test_events_in_any_order_lead_to_the_newest_snapshot(app: App) -> None:
    group = group_of(app, LARGE)
    handler(event_of(group.generation), None, app)
    group = group_of(app, 1200)
    events = [event_of(group.generation, "gone"), event_of("gone", group.generation), EVENT]
    for event in reversed(events):
        handler(event, None, app)
    manifest = app.snapshot_store.manifest(group)
    assert manifest is not None
    assert manifest.last_change == group.last_change == LARGE + 1200


def test_a_failure_reports_the_first_record_of_its_group_and_not_the_others(
    app: App, tmp_path: Path
) -> None:
    class AwayGroups:
        """Fails for one generation."""

        def get_generation(self, generation: str) -> Group:
            if generation == "bad":
                raise StoreUnavailableError
            return app.groups.get_generation(generation)

    group = group_of(app, LARGE)
    failing = builders.app_with(app.settings, groups=AwayGroups())
    event = event_of("gone", "bad", group.generation, "bad")
    assert handler(event, None, failing) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert len(versions(app)) == 1
