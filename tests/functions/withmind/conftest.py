"""A caller with a store of its own for each test; the models are loaded once."""

from pathlib import Path

import pytest

from harness import builders
from harness.in_memory import InMemoryKeys
from shared.app import App
from shared.core.metering import access
from tests.functions.withmind.client import WithmindClient

MODELS = ("codec", "detector", "recognizers")


def app_with_models_of(app: App, folder: Path, **environ: str) -> App:
    """Return an App with a fresh local store and the models of another App."""
    keys = InMemoryKeys()
    for text, tenant in [(builders.KEY, "acme"), ("second-key", "acme"), ("other-key", "other")]:
        keys.put(access.new_key(text, name=text, tenant=tenant, secret=builders.SECRET))
    models = {name: getattr(app, name) for name in MODELS}
    return builders.app_with(builders.settings(folder, **environ), keys=keys, **models)


@pytest.fixture
def store(app: App, tmp_path: Path) -> App:
    """An App with a fresh SQLite store."""
    return app_with_models_of(app, tmp_path)


@pytest.fixture
def client(store: App) -> WithmindClient:
    """A caller without a key."""
    return WithmindClient(store)
