"""Who may call: anyone, or callers with a key, who see their own tenant's people alone."""

from pathlib import Path

import pytest

from shared.app import App
from tests import builders
from tests.functions.withmind.client import ANALYSE, ENROL, WithmindClient
from tests.functions.withmind.conftest import app_with_models_of
from tests.functions.withmind.uploads import portrait

OBAMA = portrait("obama.jpg")
FAIL = b'{"result":"Fail"}'
NOT_ENROLLED = b'{"result":{"result":"unregistered user"}}'


@pytest.fixture
def closed(app: App, tmp_path: Path) -> App:
    return app_with_models_of(app, tmp_path, WITHMIND_REQUIRE_KEY="on")


@pytest.mark.parametrize("key", [None, "", "nobody", "Bearer nobody", "Bearer", f"{builders.KEY}x"])
def test_where_a_key_is_required_a_caller_without_one_fails(closed: App, key: str | None) -> None:
    for path in (ENROL, ANALYSE):
        assert WithmindClient(closed, key).answer(path, OBAMA) == FAIL


@pytest.mark.parametrize("key", [builders.KEY, f"Bearer {builders.KEY}", f"bearer  {builders.KEY}"])
def test_a_key_lets_a_caller_pass(closed: App, store: App, key: str) -> None:
    for app in (closed, store):
        client = WithmindClient(app, key)
        client.enrol(OBAMA)
        assert client.analyse(OBAMA) == "+"


def test_an_unknown_key_fails_where_none_is_required(store: App) -> None:
    assert WithmindClient(store, "nobody").answer(ENROL, OBAMA) == FAIL


def test_a_caller_without_a_key_hears_of_a_wrong_method_all_the_same(closed: App) -> None:
    assert WithmindClient(closed).post(ENROL, b"", "", method="GET").status_code == 405


def test_the_people_of_a_tenant_are_its_own(store: App) -> None:
    WithmindClient(store, builders.KEY).enrol(OBAMA)
    assert WithmindClient(store, "second-key").analyse(OBAMA) == "+"
    for other in (WithmindClient(store, "other-key"), WithmindClient(store)):
        assert other.answer(ANALYSE, OBAMA) == NOT_ENROLLED
        other.enrol(portrait("biden.jpg"))
    assert WithmindClient(store, builders.KEY).analyse(OBAMA) == "+"
