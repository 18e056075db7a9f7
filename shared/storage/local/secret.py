"""The secrets of a local deployment, made at its first start, each in a file for its owner alone.

A secret is 32 random bytes, kept as 64 hexadecimal digits.
"""

import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from shared.config import SettingError
from shared.storage.local.disk import sync

KEY_SECRET = "key_secret"  # noqa: S105 - a file name
_BYTES = 32
_HEX = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}")


def read_or_create(data_dir: Path, name: str = KEY_SECRET) -> str:
    """Return the secret of a name; two processes that start at once agree on one.

    Raises:
        SettingError: the file can be read by others than its owner, or holds something else.

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


def put_in_force(data_dir: Path, name: str, *, instead_of: str) -> None:
    """Let a secret take the place of another, for good: the other one is gone."""
    (data_dir / name).replace(data_dir / instead_of)
    sync(data_dir)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, partial = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)  # unlike a rename, it never replaces what another process made
        except FileExistsError:
            return
        sync(path.parent)
    finally:
        Path(partial).unlink()
