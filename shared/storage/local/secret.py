"""The secrets of a local deployment: each in a file that only its owner can read.

A secret is 32 random bytes, written as 64 hexadecimal digits when it is first needed.
"""

import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from shared.config import SettingError
from shared.storage.local.disk import fsync

KEY_SECRET = "key_secret"  # noqa: S105 - a file name
_BYTES = 32
_HEX = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}")


def read_or_create(data_dir: Path, name: str = KEY_SECRET) -> str:
    """Return the secret of a name; two processes that start at the same time get the same one.

    Raises:
        SettingError: others than its owner can read the file, or it holds something else.
    """
    path = data_dir / name
    if not path.exists():
        _create(path)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingError(f"{path} can be read by others than its owner: chmod 600 {path}")
    secret = path.read_text(encoding="ascii", errors="replace").strip()
    if not _HEX.fullmatch(secret):
        raise SettingError(f"{path} does not hold a secret; restore it from a backup")
    return secret


def replace(data_dir: Path, name: str, *, instead_of: str) -> None:
    """Replace a secret by another, for good: the old one is gone."""
    (data_dir / name).replace(data_dir / instead_of)
    fsync(data_dir)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, partial = tempfile.mkstemp(dir=path.parent)  # only its owner can read it
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)  # a rename would replace the file of another process
        except FileExistsError:
            return
        fsync(path.parent)
    finally:
        Path(partial).unlink()
