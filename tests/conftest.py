"""What many tests share: an App with real models and an in-memory store."""

import pytest

from harness import builders
from shared.app import App


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """An App that knows one key, `builders.KEY`; its models are the real ones, loaded once."""
    return builders.app(tmp_path_factory.mktemp("data"))
