"""Drops files into an inbox, and checks what became of each."""

import hashlib
import io
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from harness.portraits import portrait
from shared.core.uploads.processing import QUARANTINE

_FOLDERS = ("inbox", "outbox")


@dataclass
class Dropped:
    """What was dropped under one key: each content, the newest last, and whether it is a photo."""

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
    """Drops files into the inbox of a data folder, and remembers them."""

    def __init__(self, data: Path, chance: random.Random) -> None:
        self.data = data
        self.files: dict[str, Dropped] = {}
        self._chance = chance
        self._number = chance.randrange(1_000_000)
        self._waiting = data / "dropped"
        for folder in (self._waiting, data / "inbox"):
            folder.mkdir(parents=True)

    def drop_photo(self, key: str) -> None:
        """Drop a photo that was not dropped before."""
        self._number += 1
        self._drop(key, portrait(self._number), is_good=True)

    def drop_broken(self, key: str) -> None:
        """Drop something that is not a photo, of one of six kinds in turn."""
        self._number += 1
        make = _BROKEN[self._number % len(_BROKEN)]
        self._drop(key, make(self._chance.randbytes(8)), is_good=False)

    def left(self) -> list[str]:
        """Return the keys of the files that are still in the inbox."""
        inbox = self.data / "inbox"
        return [key for key in self.files if (inbox / key).exists()]

    def _drop(self, key: str, content: bytes, *, is_good: bool) -> None:
        """Let the file appear complete, as `mv` does."""
        self.files.setdefault(key, Dropped(key)).contents.append((content, is_good))
        path = self.data / "inbox" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        (self._waiting / "file").write_bytes(content)
        (self._waiting / "file").replace(path)


def faults(dropper: Dropper) -> list[str]:
    """Return everything that is wrong once all files were processed; an empty list if nothing is.

    The newest file of each key counts. A photo must have its output and the receipt of exactly this
    file; anything else must be in quarantine with a reason. Nothing else may be left, in hidden
    folders either: no part of an original, and nothing that was not dropped.
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
    output, receipt = _read(outbox / dropped.key), _json(outbox / f"{dropped.key}.json")
    reason = _json(outbox / f"{QUARANTINE}reasons/{dropped.key}.json")
    quarantined = _read(outbox / f"{QUARANTINE}files/{dropped.key}")
    if dropped.is_good:
        if output is None or receipt.get("output", {}).get("sha256") != _digest(output):
            yield "the output is not the one in the receipt"
        if receipt.get("source", {}).get("sha256") != dropped.digest:
            yield "the receipt is not for the file that was dropped last"
        if not receipt.get("faces"):
            yield "its face was not hidden"
    elif quarantined is None or _digest(quarantined) != dropped.digest:
        yield "it is not in quarantine"
    elif not reason.get("reason") or reason["source"]["sha256"] not in (None, dropped.digest):
        yield "its reason is missing or is for another file"


def _allowed(dropped: Dropped) -> set[str]:
    """Return the names that the files of a key may have left in the outbox."""
    names = set()
    if any(is_good for _, is_good in dropped.contents):
        names |= {dropped.key, f"{dropped.key}.json"}
    if not all(is_good for _, is_good in dropped.contents):
        names |= {f"{QUARANTINE}files/{dropped.key}", f"{QUARANTINE}reasons/{dropped.key}.json"}
    return names


def _originals(dropper: Dropper) -> Iterator[str]:
    """Yield a fault for each copy of a dropped photo, and for each unfinished file."""
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
    """Return the files of a folder that are not hidden."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_read(path) or b"{}")
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _truncated(salt: bytes) -> bytes:
    whole = portrait(int.from_bytes(salt[:3], "big"))
    return whole[: len(whole) * 2 // 3]


def _gif(salt: bytes) -> bytes:
    """Return a photo in a format that the product does not read."""
    file = io.BytesIO()
    Image.open(io.BytesIO(portrait(0))).save(file, "GIF", comment=salt)
    return file.getvalue()


def _huge(salt: bytes) -> bytes:
    """Return a PNG whose header claims 60,000 x 60,000 pixels."""
    small = _png(salt)
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + small[24:29]
    return small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]


def _png(salt: bytes) -> bytes:
    encoded = cv2.imencode(".png", np.frombuffer(salt, np.uint8).reshape(2, 4))[1]
    return bytes(encoded.tobytes())


_BROKEN = (
    _truncated,
    _gif,
    lambda salt: b"",
    _huge,
    lambda salt: b"not a photo: " + salt.hex().encode(),
    lambda salt: _png(salt)[:-20],
)
