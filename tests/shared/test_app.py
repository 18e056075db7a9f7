"""The composition root."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.app import App
from shared.core.errors import GroupNotFoundError
from shared.metrics.emf import EmfMetrics
from shared.metrics.noop import NoopMetrics
from shared.metrics.prometheus import PrometheusMetrics
from shared.storage.local.keys import SqliteKeys
from tests import builders
from tests.fakes import InMemoryKeys


def test_chooses_sqlite_for_the_local_backend(tmp_path: Path) -> None:
    assert isinstance(App(builders.settings(tmp_path)).keys, SqliteKeys)


@pytest.mark.parametrize(
    ("setting", "adapter"),
    [("none", NoopMetrics), ("emf", EmfMetrics), ("prometheus", PrometheusMetrics)],
)
def test_counts_where_the_settings_say(tmp_path: Path, setting: str, adapter: type) -> None:
    assert isinstance(App(builders.settings(tmp_path, METRICS=setting)).metrics, adapter)


def test_a_given_port_replaces_the_built_one(tmp_path: Path) -> None:
    keys = InMemoryKeys()
    assert App(builders.settings(tmp_path), keys=keys).keys is keys


def test_refuses_a_port_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="kes"):
        App(builders.settings(tmp_path), kes=InMemoryKeys())


def test_threads_at_once_build_a_port_once(tmp_path: Path) -> None:
    app = App(builders.settings(tmp_path))
    start = threading.Barrier(8)

    def get() -> int:
        start.wait()
        return id(app.keys)

    with ThreadPoolExecutor(8) as pool:
        assert len({future.result() for future in [pool.submit(get) for _ in range(8)]}) == 1


def test_no_tenant_has_no_group_and_nothing_is_opened_to_find_out(tmp_path: Path) -> None:
    app = App(builders.settings(tmp_path))
    with pytest.raises(GroupNotFoundError):
        app.galleries_of("")("staff")
    assert not {"groups", "database", "recognizers"} & set(vars(app))
