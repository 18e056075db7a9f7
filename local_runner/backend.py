"""The App of the local runner: that of the settings, and a key for development beside its keys."""

from local_runner.local_key import WithLocalKey
from shared.app import App
from shared.config import Settings


def build(settings: Settings, local_key: str) -> App:
    """Return an App that also takes `local_key`; an empty one is none."""
    app = App(settings)
    if local_key:
        app.keys = WithLocalKey(app.keys, raw_key=local_key, secret=app.key_secret)
    return app
