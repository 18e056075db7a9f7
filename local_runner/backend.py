"""The App of the local runner, which also accepts a key for development."""

from local_runner.local_key import WithLocalKey
from shared.app import App
from shared.config import Settings


def build(settings: Settings, local_key: str) -> App:
    """Return an App that also accepts `local_key`, unless that is empty."""
    app = App(settings)
    if local_key:
        app.keys = WithLocalKey(app.keys, raw_key=local_key, secret=app.key_secret)
    return app
