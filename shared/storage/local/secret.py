"""The secret of a local deployment, made at its first start, in a file for its owner alone."""

import os
import secrets
import tempfile
from pathlib import Path

_FILE = "key_secret"
_BYTES = 32


def read_or_create(data_dir: Path) -> str:
    """Return the secret; two processes that start at once agree on one."""
    path = data_dir / _FILE
    if not path.exists():
        _create(path)
    return path.read_text(encoding="ascii").strip()


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
    finally:
        Path(partial).unlink()
