"""Blobs in a folder: the key of a blob is the path of its file, so that people can use it, too.

The metadata of a blob is a JSON object in a sidecar file: `photo.jpg.metadata.json`. Sidecar files
and names that start with a dot are not blobs.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from typing_extensions import override

from shared.core.blobs import Blob, BlobInfo, Blobs
from shared.core.errors import (
    BlobChangedError,
    BlobNotFoundError,
    BlobTooLargeError,
    StoreUnavailableError,
)
from shared.storage.local.disk import fsync

_METADATA = ".metadata.json"
_MAX_METADATA_BYTES = 64 * 1024  # bytes
_LOCK = ".lock"
_PARTIAL = ".partial"  # files that are being written
_TAKEN = ".taken"  # files that are being deleted
_READ_ATTEMPTS = 3
_MAX_NAME_LENGTH = 255  # bytes
_BAD_PATH = (errno.ENAMETOOLONG, errno.ENOTDIR)  # too long, or through a file


class FileBlobs(Blobs):
    """Implements `Blobs`. A file appears whole, written through to the disk, or not at all."""

    def __init__(self, root: Path) -> None:
        """Take the folder, which is created if it does not exist.

        Where a process was killed, a file that it was deleting is put back, and a file that it was
        writing is removed.
        """
        self._root = root
        for folder in (root.parent, root):  # the parent may be DATA_DIR, not made yet
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (_PARTIAL, _TAKEN):
            (root / name).mkdir(exist_ok=True)
        with self._lock():  # a live process that writes or deletes a file holds it
            for partial in _files(root / _PARTIAL):
                partial.unlink()
            for taken in list(_files(root / _TAKEN)):
                if not taken.name.endswith(_METADATA):
                    self._put_back(taken)
            for orphan in _files(root / _TAKEN):  # its file was deleted
                orphan.unlink()

    @override
    def accepts(self, key: str) -> bool:
        """Return whether a file can have this name, given the files and folders that exist now."""
        try:
            if any(len(os.fsencode(part)) > _MAX_NAME_LENGTH for part in key.split("/")):
                return False
            return stat.S_ISREG(self._path(key).stat().st_mode)
        except FileNotFoundError:
            return True
        except ValueError:
            return False
        except OSError as error:
            if error.errno in _BAD_PATH:
                return False
            raise

    @override
    def stat(self, key: str) -> BlobInfo | None:
        with contextlib.suppress(ValueError, OSError):
            path = self._path(key)
            if stat.S_ISREG(path.lstat().st_mode):  # a link could lead anywhere
                return _info(key, path)
        return None

    @override
    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        """Return a blob; one that changes while it is read is read again.

        Raises:
            BlobNotFoundError: there is none.
            BlobTooLargeError: it has more than `max_bytes`, and was not read.
            StoreUnavailableError: it changed during every attempt.
        """
        for _ in range(_READ_ATTEMPTS):
            info = self.stat(key)
            if info is None:
                raise BlobNotFoundError(key)
            if max_bytes is not None and info.size > max_bytes:
                raise BlobTooLargeError(key)
            path = self._path(key)
            with contextlib.suppress(FileNotFoundError):
                blob = Blob(path.read_bytes(), info.version, _metadata(path))
                if self.stat(key) == info:
                    return blob
        raise StoreUnavailableError("the file changes while it is read")

    @override
    def put(self, key: str, data: bytes) -> str:
        """Store a blob, in place of an earlier one; return its version.

        Raises:
            ValueError: a file cannot have this name.
        """
        path = self._path(key)
        with self._lock(), self._partial() as partial:
            partial.write_bytes(data)
            return _publish(partial, path)

    @override
    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        """Store a blob only in place of the expected version, or of none; return its version.

        Raises:
            BlobChangedError: another version, or none, is there; nothing was stored.
            ValueError: a file cannot have this name.
        """
        path = self._path(key)
        with self._lock(), self._partial() as partial:
            self._expect(key, expected)
            partial.write_bytes(data)
            return _publish(partial, path)

    @override
    def copy(
        self,
        source: Blobs,
        source_key: str,
        key: str,
        *,
        source_version: str,
        expected: str | None,
    ) -> None:
        """Store a copy of a version of a file of another folder, with its sidecar.

        Raises:
            BlobNotFoundError: there is no file to copy.
            BlobChangedError: one of the two has another version; nothing was stored.
            ValueError: a file cannot have this name.
        """
        if not isinstance(source, FileBlobs):
            raise TypeError("a folder takes copies only from other folders")
        path = self._path(key)
        with self._lock(), self._partial() as partial, self._partial() as sidecar:
            if source.stat(source_key) is None:
                raise BlobNotFoundError(source_key)
            try:
                shutil.copyfile(source._path(source_key), partial)
            except FileNotFoundError:
                raise BlobNotFoundError(source_key) from None
            with _ignore_missing():
                shutil.copyfile(_sidecar(source._path(source_key)), sidecar)
            source._expect(source_key, source_version)  # checked last: it was true during the copy
            self._expect(key, expected)
            with _ignore_missing():
                _sidecar(path).unlink()
            if sidecar.exists():
                _publish(sidecar, _sidecar(path))
            _publish(partial, path)

    @override
    def delete(self, key: str, *, expected: str | None = None) -> None:
        """Delete a blob, if there is one; with `expected` only this version.

        The file is moved aside before its version is checked, so that a new file that arrives
        under its name is not lost.

        Raises:
            BlobChangedError: another version is there; nothing was deleted.
        """
        if self.stat(key) is None:
            return
        path = self._path(key)
        taken = self._root / _TAKEN / uuid.uuid4().hex / key
        with self._lock():
            taken.parent.mkdir(parents=True)
            with contextlib.suppress(FileNotFoundError):
                path.rename(taken)
                if expected is not None and _info(key, taken).version != expected:
                    self._put_back(taken)
                    raise BlobChangedError(key)
                with _ignore_missing():
                    _sidecar(path).rename(_sidecar(taken))
                taken.unlink()
                with _ignore_missing():
                    _sidecar(taken).unlink()
                _remove_empty(path.parent, below=self._root)
            _remove_empty(taken.parent, below=self._root / _TAKEN)

    @override
    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        keys = (path.relative_to(self._root).as_posix() for path in _files(self._root))
        for key in sorted(key for key in keys if key.startswith(prefix)):
            info = self.stat(key)
            if info is not None:
                yield info

    def _path(self, key: str) -> Path:
        """Return the file of a key.

        Raises:
            ValueError: the key leads out of the folder, or is not the name of a blob.
        """
        parts = key.split("/")
        is_blob = all(part and not part.startswith(".") for part in parts)
        if not is_blob or "\0" in key or key.endswith(_METADATA):
            raise ValueError("a file of this folder cannot have this name")
        return self._root.joinpath(*parts)

    def _expect(self, key: str, version: str | None) -> None:
        """Check that a version is there, or none.

        Raises:
            BlobChangedError: it is not so.
        """
        there = self.stat(key)
        if (there.version if there else None) != version:
            raise BlobChangedError(key)

    @contextlib.contextmanager
    def _partial(self) -> Iterator[Path]:
        partial = self._root / _PARTIAL / uuid.uuid4().hex
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process at a time compare versions, or create and remove folders."""
        with (self._root / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _put_back(self, taken: Path) -> None:
        """Move a file and its sidecar back to their place, unless a newer file is there."""
        key = taken.relative_to(self._root / _TAKEN).parts[1:]
        path = self._root.joinpath(*key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            for place, there in ((_sidecar(path), _sidecar(taken)), (path, taken)):
                with contextlib.suppress(FileExistsError), _ignore_missing():
                    place.hardlink_to(there)
        for there in (taken, _sidecar(taken)):
            with _ignore_missing():
                there.unlink()


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of a folder, but not those of hidden folders; none if it does not exist."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names)


def _info(key: str, path: Path) -> BlobInfo:
    """Return what is known of a file.

    A file that was copied here may keep its older modification time; its ctime is when it arrived.
    """
    status = path.lstat()
    return BlobInfo(
        key=key,
        version=f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}",
        size=status.st_size,
        modified_at=datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC),
    )


def _sidecar(path: Path) -> Path:
    """Return the sidecar of a file."""
    return path.with_name(path.name + _METADATA)


@contextlib.contextmanager
def _ignore_missing() -> Iterator[None]:
    """Ignore a missing file, or one that cannot exist because its name is too long."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):
            raise


def _metadata(path: Path) -> dict[str, str]:
    """Return what the sidecar of a blob says; values that are not strings become JSON."""
    sidecar, given = _sidecar(path), {}
    try:
        with _ignore_missing(), sidecar.open("rb") as file:
            given = json.loads(file.read(_MAX_METADATA_BYTES))
    except (ValueError, RecursionError):
        return {"unreadable": sidecar.name}
    if not isinstance(given, dict):
        return {"unreadable": sidecar.name}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
    }


def _publish(partial: Path, path: Path) -> str:
    """Move a file to its place, through to the disk; return its version."""
    fsync(partial)
    path.parent.mkdir(parents=True, exist_ok=True)
    version = _info("", partial).version
    partial.replace(path)
    fsync(path.parent)
    return version


def _remove_empty(folder: Path, *, below: Path) -> None:
    """Remove a folder and those above it, as far as they are empty."""
    with contextlib.suppress(OSError):
        while folder != below:
            folder.rmdir()
            folder = folder.parent
