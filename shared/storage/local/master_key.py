"""The master key of a local deployment: a file beside the database that wraps the data keys.

Whoever has both the file and the database can read the vectors: back them up apart.
"""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.storage import cipher
from shared.storage.local import secret

_FILE = "master_key"


class FileKeyWrapper:
    """Fills `KeyWrapper` with AES-256-GCM; a wrapped key is bound to its group."""

    def __init__(self, data_dir: Path) -> None:
        """Read the master key of a data folder, and make it if it is not there.

        Raises:
            SettingError: the file can be read by others than its owner, or holds something else.

        """
        self._master = AESGCM(bytes.fromhex(secret.read_or_create(data_dir, _FILE)))

    def new_key(self, generation: str) -> tuple[bytes, bytes]:
        """Return a new data key of 32 bytes for a group: plain, and wrapped."""
        plain = AESGCM.generate_key(8 * cipher.KEY_BYTES)
        return plain, cipher.encrypt(self._master, plain, generation.encode())

    def unwrap(self, generation: str, wrapped: bytes) -> bytes:
        """Return the plain data key.

        Raises:
            SealError: it was changed, or wrapped for another group or with another master key.

        """
        return cipher.decrypt(self._master, wrapped, generation.encode())
