"""The composition root."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import builders
from harness.in_memory import InMemoryKeys
from shared.app import App
from shared.config import SettingError
from shared.core.errors import GroupNotFoundError
from shared.metrics.emf import EmfMetrics
from shared.metrics.noop import NoopMetrics
from shared.metrics.prometheus import PrometheusMetrics
from shared.storage.local.keys import SqliteKeys


def test_chooses_sqlite_for_the_local_backend(tmp_path: Path) -> None:
    assert isinstance(App(builders.settings(tmp_path)).keys, SqliteKeys)


@pytest.mark.parametrize(
    ("setting", "adapter"),
    [("none", NoopMetrics), ("emf", EmfMetrics), ("prometheus", PrometheusMetrics)],
)
def test_counts_where_the_settings_say(tmp_path: Path, setting: str, adapter: type) -> None:
    assert isinstance(App(builders.settings(tmp_path, METRICS=setting)).metrics, adapter)


def test_a_given_port_replaces_the_built_one(tmp_path: Path) -> None:
    app, keys = App(builders.settings(tmp_path)), InMemoryKeys()
    app.keys = keys
    assert app.keys is keys
    assert "backend" not in vars(app)


def test_threads_at_once_build_a_port_once(tmp_path: Path) -> None:
    app = App(builders.settings(tmp_path))
    start = threading.Barrier(8)

    def get() -> int:
        start.wait()
        return id(app.keys)

    with ThreadPoolExecutor(8) as pool:
        assert len({future.result() for future in [pool.submit(get) for _ in range(8)]}) == 1


@pytest.mark.integration
def test_no_tenant_has_no_group(tmp_path: Path) -> None:
    app = App(builders.settings(tmp_path))
    with pytest.raises(GroupNotFoundError):
        app.open_gallery("", "staff")


def test_a_function_needs_the_settings_of_what_it_uses_alone(tmp_path: Path) -> None:
    app = App(builders.settings(tmp_path, BACKEND="aws"))
    assert app.key_secret == builders.SECRET
    with pytest.raises(SettingError, match="KMS_KEY_ID must be set with BACKEND=aws"):
        _ = app.sealer
