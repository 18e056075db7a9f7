"""The metrics of the processes of one server, for Prometheus."""

from dataclasses import replace

from local_runner.settings import RunnerSettings
from shared import config
from shared.config import Settings

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share(settings: Settings, runner: RunnerSettings) -> Settings:
    """Return settings with which the processes of a new server count together.

    Call it once, before the server starts any process: it removes the counts of earlier servers.
    Two servers that use one folder at the same time would show each other's counts.
    """
    folder = settings.prometheus_multiproc_dir or settings.data_dir / "metrics"
    if runner.metrics == "prometheus":
        for path in (folder.parent, folder):  # the parent may be DATA_DIR, created here
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in folder.glob("*.db"):
            file.unlink()
        config.export(_FOLDER, str(folder))
    return replace(settings, metrics=runner.metrics, prometheus_multiproc_dir=folder)


def join(settings: Settings, runner: RunnerSettings) -> Settings:
    """Return settings with which a process counts for the server that started it."""
    return replace(settings, metrics=runner.metrics)
