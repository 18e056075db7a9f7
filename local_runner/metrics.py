"""GET /metrics: what the processes of this server counted, for Prometheus."""

from dataclasses import replace
from pathlib import Path

import flask

from local_runner.settings import RunnerSettings
from shared import config
from shared.app import App
from shared.config import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_FILES = "*.db"


def share(settings: Settings, runner: RunnerSettings) -> Settings:
    """Return the settings with which the processes of a new server count together.

    To be called once, before the server starts any of them: what an earlier server counted is
    removed. Two servers at once with one folder would show each other's counts.
    """
    folder = settings.prometheus_multiproc_dir or settings.data_dir / "metrics"
    if runner.metrics == "prometheus":
        _empty(folder)
        config.export(_FOLDER, str(folder))
    return replace(settings, metrics=runner.metrics, prometheus_multiproc_dir=folder)


def join(settings: Settings, runner: RunnerSettings) -> Settings:
    """Return the settings with which a process counts for the server that started it."""
    return replace(settings, metrics=runner.metrics)


def report(app: App) -> flask.Response:
    """Return the counts, or 404 where they go elsewhere."""
    text = app.metrics.exposition()
    if text is None:
        return flask.Response("METRICS is not prometheus\n", 404, content_type="text/plain")
    return flask.Response(text, content_type=CONTENT_TYPE)


def _empty(folder: Path) -> None:
    for path in (folder.parent, folder):  # the parent may be DATA_DIR, which this makes first
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in folder.glob(_FILES):
        file.unlink()
