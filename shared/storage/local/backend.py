"""The embedded backend: SQLite and files in one folder."""

from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from shared.config import Settings
from shared.storage.backend import Backend
from shared.storage.local import secret
from shared.storage.local.blobs import FileBlobs
from shared.storage.local.database import Database
from shared.storage.local.distinct import SqliteDistinctTracker
from shared.storage.local.faces import SqliteFaces
from shared.storage.local.groups import SqliteGroups
from shared.storage.local.keys import SqliteKeys
from shared.storage.local.persons import SqlitePersons
from shared.storage.local.usage import SqliteUsage

if TYPE_CHECKING:
    from shared.storage.local.master_key import FileKeyWrapper


class LocalBackend(Backend):
    """Implements `Backend` in the folder `DATA_DIR`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def database(self) -> Database:
        """The one database of all tables."""
        return Database(self._settings.data_dir)

    @override
    def keys(self) -> SqliteKeys:
        return SqliteKeys(self.database)

    @override
    def usage(self) -> SqliteUsage:
        return SqliteUsage(self.database)

    @override
    def distinct_tracker(self) -> SqliteDistinctTracker:
        return SqliteDistinctTracker(self.database)

    @override
    def groups(self) -> SqliteGroups:
        return SqliteGroups(self.database)

    @override
    def faces(self) -> SqliteFaces:
        return SqliteFaces(self.database)

    @override
    def persons(self) -> SqlitePersons:
        return SqlitePersons(self.database)

    @override
    def key_wrapper(self) -> "FileKeyWrapper":
        # with numpy and cryptography, which only those who handle vectors need
        from shared.storage.local.master_key import FileKeyWrapper

        return FileKeyWrapper(self._settings.data_dir)

    @override
    def key_secret(self) -> str:
        return self._settings.key_secret or secret.read_or_create(self._settings.data_dir)

    @override
    def inbox(self) -> FileBlobs:
        return FileBlobs(self._settings.data_dir / self._settings.inbox_bucket)

    @override
    def outbox(self) -> FileBlobs:
        return FileBlobs(self._settings.data_dir / self._settings.outbox_bucket)

    @override
    def snapshots(self) -> FileBlobs:
        return FileBlobs(self._settings.data_dir / self._settings.snapshots_bucket)
