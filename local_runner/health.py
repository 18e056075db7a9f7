"""GET /health: what runs here. It answers once calls can be served."""

from typing import Any

from shared import VERSION
from shared.app import App


def warm_up(app: App) -> None:
    """Load the models and open the store, so that the first call is as fast as the next."""
    app.keys.lookup("no key has this hash")
    app.warm_up()


def report(app: App) -> dict[str, Any]:
    """Return the version, the models, the execution provider in use and the backend."""
    return {
        "status": "ok",
        "version": VERSION,
        "models": {name: model.version for name, model in app.catalogue.models.items()},
        "executionProvider": app.detector_session.device,
        "backend": app.settings.backend,
    }
