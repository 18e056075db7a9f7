"""GET /metrics of the local runner, and the folder behind it."""

from pathlib import Path
from typing import Any

import pytest

from harness import builders
from local_runner import gateway, metrics, template
from local_runner.settings import RunnerSettings
from shared import config
from shared.app import App


def client(folder: Path, where: str) -> Any:
    app = builders.app(folder, METRICS=where)
    return gateway.create(app, template.read()).test_client()


def test_shows_the_outcomes_of_calls(tmp_path: Path) -> None:
    caller = client(tmp_path, "prometheus")
    caller.post("/FaceDeID", headers={"Authorization": "wrong"})
    reply = caller.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (
        'face_functions_calls_total{outcome="UnknownKeyError",route="POST /FaceDeID"} 1.0'
        in reply.text.splitlines()
    )


def test_contains_no_path_and_no_key(tmp_path: Path) -> None:
    caller = client(tmp_path, "prometheus")
    private = ("a-private-key", "a-private-group", "a-private-word", builders.KEY)
    for method, path in [
        ("GET", "/nhn-face-reco/v1.0/appkeys/a-private-key/groups/a-private-group"),
        ("DELETE", f"/nhn-face-reco/v1.0/appkeys/{builders.KEY}/groups/a-private-group"),
        ("GET", "/nhn-face-reco/v1.0/appkeys/a-private-key/no/such/a-private-word"),
        ("PUT", "/FaceDeID/a-private-word"),
        ("GET", "/a-private-word?a=a-private-word"),
        ("POST", "/analy_img?id=a-private-word"),
        ("A-PRIVATE-WORD", "/enrollment_img/"),
    ]:
        caller.open(path, method=method, headers={"Authorization": "a-private-key"})
    text = caller.get("/metrics").text
    assert "face_functions_calls_total{" in text
    assert not [word for word in private if word.lower() in text.lower()]
    routes = {route.key for function in template.read() for route in function.routes}
    found = {part.partition('"')[0] for part in text.split('route="')[1:]}
    assert found <= routes
    assert len(found) >= 5


@pytest.mark.parametrize("where", ["none", "emf"])
def test_is_not_found_if_metrics_go_elsewhere(tmp_path: Path, where: str) -> None:
    reply = client(tmp_path, where).get("/metrics")
    assert reply.status_code == 404


def test_another_method_is_handled_like_any_unknown_path(tmp_path: Path) -> None:
    reply = client(tmp_path, "prometheus").post("/metrics")
    assert (reply.status_code, reply.get_json()["reason"]) == (403, "Empty Auth Header")


def test_a_server_counts_for_prometheus_by_default() -> None:
    assert RunnerSettings.from_environment({}).metrics == "prometheus"
    assert RunnerSettings.from_environment({"METRICS": "none"}).metrics == "none"


def test_a_server_removes_the_counts_of_earlier_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: dict[str, str] = {}
    monkeypatch.setattr(config, "export", exported.__setitem__)
    old = tmp_path / "metrics" / "counter_1.db"
    old.parent.mkdir()
    old.write_bytes(b"old")
    settings = metrics.share(builders.settings(tmp_path), RunnerSettings.from_environment({}))
    assert not old.exists()
    assert settings.metrics == "prometheus"
    assert settings.prometheus_multiproc_dir == old.parent
    assert exported == {"PROMETHEUS_MULTIPROC_DIR": str(old.parent)}


def test_a_process_that_a_server_starts_keeps_the_counts(tmp_path: Path) -> None:
    shared = builders.settings(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    file = tmp_path / "counter_1.db"
    file.write_bytes(b"of the server")
    settings = metrics.join(shared, RunnerSettings.from_environment({}))
    assert (settings.metrics, settings.prometheus_multiproc_dir) == ("prometheus", tmp_path)
    assert file.exists()


def test_a_server_that_does_not_count_creates_no_folder(tmp_path: Path) -> None:
    runner = RunnerSettings.from_environment({"METRICS": "none"})
    settings = metrics.share(builders.settings(tmp_path), runner)
    assert isinstance(App(settings).metrics.exposition(), type(None))
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_open_the_data_folder_it_creates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "export", dict.fromkeys)
    metrics.share(builders.settings(tmp_path / "data"), RunnerSettings.from_environment({}))
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
