"""The composition root: every adapter is chosen and built here, once, when it is first needed.

Heavy libraries are imported inside the property that needs them, so that a function which only
reads a table never loads a model.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from shared import log
from shared.config import Settings

if TYPE_CHECKING:
    from shared.core.ports import Detector, Images, Keys, Masker
    from shared.storage.local.database import Database
    from shared.vision.session import Session

T = TypeVar("T")


class built_once(Generic[T]):  # noqa: N801 - used as a decorator, like functools.cached_property
    """A cached property that two threads at once build only once."""

    def __init__(self, build: Callable[["App"], T]) -> None:
        self._build = build
        self._name = build.__name__
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, app: None, owner: type) -> "built_once[T]": ...
    @overload
    def __get__(self, app: "App", owner: type) -> T: ...
    def __get__(self, app: "App | None", owner: type) -> "T | built_once[T]":
        if app is None:
            return self
        with app.lock:
            if self._name not in app.__dict__:
                app.__dict__[self._name] = self._build(app)
            built: T = app.__dict__[self._name]
            return built


class App:
    """The ports of one process, built lazily. It never keeps anything of a request."""

    def __init__(self, settings: Settings, **ports: object) -> None:
        """Take settings, and ports to use instead of the ones built here (tests, the local runner).

        Raises:
            TypeError: a port of that name does not exist.

        """
        for name in ports:
            if not isinstance(getattr(type(self), name, None), built_once):
                raise TypeError(f"App has no port {name!r}")
        self.settings = settings
        self.lock = threading.RLock()
        self.__dict__.update(ports)

    @built_once
    def images(self) -> "Images":
        """Image files."""
        from shared.vision.image import CvImages

        return CvImages(max_pixels=self.settings.max_pixels)

    @built_once
    def detector(self) -> "Detector":
        """The face detector."""
        from shared.vision.detector import CenterFaceDetector

        return CenterFaceDetector(self.detector_session)

    @built_once
    def detector_session(self) -> "Session":
        """The loaded detector model; it knows which execution provider is in use."""
        return self._session("centerface")

    @built_once
    def masker(self) -> "Masker":
        """What hides faces."""
        from shared.vision.masking import CvMasker

        return CvMasker()

    @built_once
    def keys(self) -> "Keys":
        """API keys."""
        if self.settings.backend == "aws":
            from shared.storage.aws.keys import DynamoKeys

            return DynamoKeys(self.settings.keys_table)
        from shared.storage.local.keys import SqliteKeys

        return SqliteKeys(self.database)

    @built_once
    def database(self) -> "Database":
        """The embedded database of the local backend."""
        from shared.storage.local.database import Database

        return Database(self.settings.data_dir)

    @built_once
    def key_secret(self) -> str:
        """The secret that keys the hashes of API keys."""
        if self.settings.key_secret:
            return self.settings.key_secret
        from shared.storage.local import secret

        return secret.read_or_create(self.settings.data_dir)

    def warm_up(self) -> None:
        """Build what every vision call needs, so that the first is as fast as the next."""
        _ = self.images, self.detector, self.masker

    def _session(self, model: str) -> "Session":
        from shared.vision import weights
        from shared.vision.session import Session

        return Session(
            weights.load(model, self.settings.models_dir),
            provider=self.settings.execution_provider,
            threads=self.settings.vision_threads,
        )


@cache
def current_app() -> App:
    """Return the App of this process, made from the environment.

    Raises:
        SettingError: a setting is missing or cannot be read; the message names it.

    """
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    return App(settings)
