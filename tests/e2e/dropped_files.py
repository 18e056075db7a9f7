"""Files that are dropped into an inbox, and the account of what must have become of each."""

import hashlib
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from shared.core.uploads.processing import QUARANTINE
from tests import image_files
from tests.portraits import portrait

_FOLDERS = ("inbox", "outbox")


@dataclass
class Dropped:
    """What was dropped under one key, the newest last, and whether it is a photo."""

    key: str
    contents: list[tuple[bytes, bool]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether the newest file is a photo."""
        return self.contents[-1][1]

    @property
    def digest(self) -> str:
        """The SHA-256 of the newest file."""
        return _digest(self.contents[-1][0])


class Dropper:
    """Drops files into the inbox of a folder of data, and knows what it dropped."""

    def __init__(self, data: Path, chance: random.Random) -> None:
        self.data = data
        self.files: dict[str, Dropped] = {}
        self._chance = chance
        self._number = chance.randrange(1_000_000)
        self._waiting = data / "dropped"
        for folder in (self._waiting, data / "inbox"):
            folder.mkdir(parents=True)

    def drop_photo(self, key: str) -> None:
        """Drop a photo that was never dropped before."""
        self._number += 1
        self._drop(key, portrait(self._number), is_good=True)

    def drop_broken(self, key: str) -> None:
        """Drop something that is no photo, of one of the kinds in turn."""
        self._number += 1
        make = _BROKEN[self._number % len(_BROKEN)]
        self._drop(key, make(self._chance.randbytes(8)), is_good=False)

    def left(self) -> list[str]:
        """Return the keys of the files that are in the inbox still."""
        inbox = self.data / "inbox"
        return [key for key in self.files if (inbox / key).exists()]

    def _drop(self, key: str, content: bytes, *, is_good: bool) -> None:
        """Let the file appear whole, as `mv` does."""
        self.files.setdefault(key, Dropped(key)).contents.append((content, is_good))
        path = self.data / "inbox" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        (self._waiting / "file").write_bytes(content)
        (self._waiting / "file").replace(path)


def faults(dropper: Dropper) -> list[str]:
    """Return all that is wrong when every file was processed; nothing where the account is exact.

    Each newest file that is a photo came out once, with the receipt of just this file; each that is
    none lies in quarantine with the reason. Nothing else is there, in hidden folders neither: no
    rest of an original, and nothing that was never dropped.
    """
    found = [f"the inbox has {path.name}" for path in _files(dropper.data / "inbox")]
    outbox = dropper.data / "outbox"
    names = {path.relative_to(outbox).as_posix() for path in _files(outbox)}
    for dropped in dropper.files.values():
        found += [f"{dropped.key}: {fault}" for fault in _faults_of(dropped, outbox)]
        names -= _allowed(dropped)
    found += [f"the outbox has {name}" for name in sorted(names)]
    return found + list(_originals(dropper))


def _faults_of(dropped: Dropped, outbox: Path) -> Iterator[str]:
    output, receipt = _read(outbox / dropped.key), _told(outbox / f"{dropped.key}.json")
    reason = _told(outbox / f"{QUARANTINE}reasons/{dropped.key}.json")
    quarantined = _read(outbox / f"{QUARANTINE}files/{dropped.key}")
    if dropped.is_good:
        if output is None or receipt.get("output", {}).get("sha256") != _digest(output):
            yield "the output is not that of the receipt"
        if receipt.get("source", {}).get("sha256") != dropped.digest:
            yield "the receipt is not that of the file dropped last"
        if not receipt.get("faces"):
            yield "its face was not hidden"
    elif quarantined is None or _digest(quarantined) != dropped.digest:
        yield "it is not in quarantine"
    elif not reason.get("reason") or reason["source"]["sha256"] not in (None, dropped.digest):
        yield "quarantine does not tell the reason"


def _allowed(dropped: Dropped) -> set[str]:
    """Return the names in the outbox that the files of a key may have left."""
    names = set()
    if any(is_good for _, is_good in dropped.contents):
        names |= {dropped.key, f"{dropped.key}.json"}
    if not all(is_good for _, is_good in dropped.contents):
        names |= {f"{QUARANTINE}files/{dropped.key}", f"{QUARANTINE}reasons/{dropped.key}.json"}
    return names


def _originals(dropper: Dropper) -> Iterator[str]:
    """Yield what is left of photos that were dropped, wherever it is."""
    originals = {
        _digest(content)
        for dropped in dropper.files.values()
        for content, is_good in dropped.contents
        if is_good
    }
    for path in (p for folder in _FOLDERS for p in (dropper.data / folder).rglob("*")):
        is_partial = path.is_file() and path.parent.name == ".partial"
        if is_partial or (path.is_file() and _digest(path.read_bytes()) in originals):
            yield f"{path.relative_to(dropper.data)} was left behind"


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder that people see."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _told(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_read(path) or b"{}")
    return told


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _truncated(salt: bytes) -> bytes:
    whole = portrait(int.from_bytes(salt[:3], "big"))
    return whole[: len(whole) * 2 // 3]


def _gif(salt: bytes) -> bytes:
    return image_files.save(image_files.photo(), "GIF", comment=salt)


def _huge(salt: bytes) -> bytes:
    rows = image_files.png_chunk(b"IDAT", zlib.compress(salt * 1000))
    return image_files.png_header(60_000, 60_000) + rows + image_files.png_chunk(b"IEND", b"")


def _noise(salt: bytes) -> bytes:
    ok, encoded = cv2.imencode(".png", np.frombuffer(salt, np.uint8).reshape(2, 4))
    assert ok
    return bytes(encoded[:-20].tobytes())


_BROKEN = (
    _truncated,
    _gif,
    lambda salt: b"",
    _huge,
    lambda salt: b"no photo: " + salt.hex().encode(),
    _noise,
)
