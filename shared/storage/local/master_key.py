"""The master key of a local deployment: a file beside the database that wraps the data keys.

Anyone who has both the file and the database can read the vectors: keep their backups apart.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from shared.config import SettingError
from shared.core.errors import SealError
from shared.storage import cipher
from shared.storage.cipher import KeyWrapper
from shared.storage.local import secret
from shared.storage.local.database import Database

_FILE = "master_key"
_NEXT_FILE = "master_key.next"  # exists during a rotation
_BUSY_TIMEOUT_S = 1.0
_TABLES = ("face_group", "person")  # with data keys


class FileKeyWrapper(KeyWrapper):
    """Implements `KeyWrapper` with AES-256-GCM; a wrapped key is bound to its group."""

    def __init__(self, data_dir: Path) -> None:
        """Read the master key of a data folder, and create it if it does not exist.

        Raises:
            SettingError: others than its owner can read the file, it holds something else, or a
                rotation was interrupted.
        """
        if (data_dir / _NEXT_FILE).exists():
            raise SettingError(
                "a rotation of the master key was interrupted; this finishes it:"
                " python -m local_runner rotate-master-key"
            )
        self._master = _read(data_dir, _FILE)

    @override
    def new_key(self, generation: str) -> tuple[bytes, bytes]:
        plain = AESGCM.generate_key(8 * cipher.KEY_BYTES)
        return plain, cipher.encrypt(self._master, plain, generation.encode())

    @override
    def unwrap(self, generation: str, wrapped: bytes) -> bytes:
        return cipher.decrypt(self._master, wrapped, generation.encode())


def rotate(data_dir: Path) -> int:
    """Wrap every data key with a new master key, and delete the old one; return how many.

    The new key is on the disk before the database changes, in one transaction; then it replaces the
    old one. If this is interrupted, the service does not start until it is called again, which
    finishes the rotation.

    Raises:
        SettingError: there is no master key, or the file of one is broken.
        SealError: a data key cannot be opened; nothing was changed.
        StoreUnavailableError: another process has the database open; nothing was changed.
    """
    if not (data_dir / _FILE).exists():
        raise SettingError(f"{data_dir} holds no master key")
    database = Database(data_dir, busy_timeout_s=_BUSY_TIMEOUT_S)
    with database.exclusive() as connection:
        masters = [_read(data_dir, _FILE)]
        if (data_dir / _NEXT_FILE).exists():  # the data keys may be wrapped with it already
            masters.append(_read(data_dir, _NEXT_FILE))
        keys = {
            table: [
                (row, generation, _unwrap(masters, generation, wrapped))
                for row, generation, wrapped in connection.execute(
                    f"SELECT rowid, generation, wrapped_key FROM {table}"  # noqa: S608 - ours
                )
            ]
            for table in _TABLES
        }
        new = _read(data_dir, _NEXT_FILE)
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in keys.items():
            connection.executemany(
                f"UPDATE {table} SET wrapped_key = ? WHERE rowid = ?",  # noqa: S608
                ((cipher.encrypt(new, key, name.encode()), row) for row, name, key in rows),
            )
        connection.execute("COMMIT")
        secret.replace(data_dir, _NEXT_FILE, instead_of=_FILE)
    return sum(map(len, keys.values()))


def _read(data_dir: Path, file: str) -> AESGCM:
    return AESGCM(bytes.fromhex(secret.read_or_create(data_dir, file)))


def _unwrap(masters: Sequence[AESGCM], generation: str, wrapped: bytes) -> bytes:
    for master in masters[:-1]:
        try:
            return cipher.decrypt(master, wrapped, generation.encode())
        except SealError:
            continue
    return cipher.decrypt(masters[-1], wrapped, generation.encode())
