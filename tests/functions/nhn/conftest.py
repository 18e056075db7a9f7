"""A caller with a store of its own for each test; the models are loaded once."""

from pathlib import Path

import pytest

from harness import builders
from harness.in_memory import InMemoryKeys
from shared.app import App
from shared.core.metering import access
from tests.functions.nhn.client import NhnClient


def app_with_models_of(app: App, folder: Path, **ports: object) -> App:
    """Return an App with a fresh local store, two tenants, and the models of another App."""
    keys = InMemoryKeys()
    for text, tenant in [(builders.KEY, "acme"), ("second-key", "acme"), ("other-key", "other")]:
        keys.put(access.new_key(text, name=text, tenant=tenant, secret=builders.SECRET))
    models = {name: getattr(app, name) for name in ("codec", "detector", "poses", "recognizers")}
    return builders.app_with(builders.settings(folder), keys=keys, **models, **ports)


@pytest.fixture
def store(app: App, tmp_path: Path) -> App:
    """An App with a fresh SQLite store."""
    return app_with_models_of(app, tmp_path)


@pytest.fixture
def client(store: App) -> NhnClient:
    """A caller of it."""
    return NhnClient(store, builders.KEY)
