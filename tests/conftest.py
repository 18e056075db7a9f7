"""What many tests share: an App with real models, and what kind of test each is.

- `e2e`: a test in `tests/e2e`, on processes of servers and functions.
- `integration`: a test that needs a model, a database, a process or a stand-in for AWS. These are
  the tests in the folders of `_INTEGRATION`, those that use the fixture `app`, and those that bear
  the marker.
- `unit`: every other test. It can start no process and load no model.
"""

import signal
import subprocess
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, LoadScopeScheduling

from harness import builders
from shared.app import App

_HERE = Path(__file__).parent
_INTEGRATION = ("benchmarks", "functions", "local_runner", "shared/storage", "tools")
_KINDS = ("e2e", "integration", "unit")
_GRAPHS = {
    "tests/contract/test_dockerfile.py",
    "tests/functions/events/test_update_index.py",
    "tests/functions/nhn/test_another_embedder.py",
    "tests/shared/index/test_snapshots.py",
}


# A job in a shell's background ignores Ctrl-C, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """An App that knows one key, `builders.KEY`; its models are the real ones, loaded once."""
    return builders.app(tmp_path_factory.mktemp("data"))


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its kind; put the slow kinds first, so that all workers end together."""
    kinds = {item: _kind(item) for item in items}
    for item, kind in kinds.items():
        item.add_marker(kind)
    items.sort(key=lambda item: _KINDS.index(kinds[item]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Give each worker whole modules, whose fixtures are started once."""
    return _Modules(config, log) if config.getoption("dist") == "loadfile" else None


class _Modules(LoadFileScheduling):  # type: ignore[misc]  # xdist is untyped
    """Keeps those together that compile what builds graphs: that takes half a minute a process."""

    def _split_scope(self, nodeid: str) -> str:
        module: str = super()._split_scope(nodeid)
        return "graphs" if module in _GRAPHS else module


@pytest.fixture(autouse=True)
def _unit_tests_stay_small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("unit"):
        monkeypatch.setattr(subprocess, "Popen", _refuse)
        monkeypatch.setattr("onnxruntime.InferenceSession", _refuse)


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("a unit test starts no process and loads no model: see tests/conftest.py")


def _kind(item: pytest.Item) -> str:
    path = item.path.relative_to(_HERE)
    if path.is_relative_to("e2e"):
        return "e2e"
    if (
        item.get_closest_marker("integration")
        or "app" in getattr(item, "fixturenames", ())
        or any(path.is_relative_to(folder) for folder in _INTEGRATION)
    ):
        return "integration"
    return "unit"
