"""PNG files (W3C PNG, third edition): header, completeness, and the chunks that make the pixels."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from shared.core.errors import CorruptImageError
from shared.vision import exif
from shared.vision.headers import Header

_SIGNATURE_BYTES = 8
_MAX_SIDE = 2**31 - 1
_ANCILLARY = 0x20
_MAX_CHUNKS = 100_000  # 800 MB of pixels in the usual chunks of 8 KB
_IHDR = struct.Struct(">II5B")


class _Chunk(NamedTuple):
    """The chunk `data[start:end]`; its content is `data[body : end - 4]`, before the checksum."""

    kind: bytes
    start: int
    end: int

    @property
    def body(self) -> int:
        return self.start + 8


def read_header(data: bytes) -> Header:
    """Read the size and the orientation.

    Raises:
        CorruptImageError: the file does not start with an image header, announces no pixels, or has
            too many chunks.

    """
    chunks = _chunks(data)
    first = next(chunks, None)
    if first is None or first.kind != b"IHDR" or first.end - first.start != 12 + _IHDR.size:
        raise CorruptImageError("the PNG does not begin with its header")
    width, height, *_ = _IHDR.unpack_from(data, first.body)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise CorruptImageError("the PNG announces no pixels, or more than the format has")
    blocks = (data[chunk.body : chunk.end - 4] for chunk in chunks if chunk.kind == b"eXIf")
    return Header(width, height, exif.read_orientation(next(blocks, b"")))


def pixel_data(data: bytes) -> bytes:
    """Return a file of the default image alone: the critical chunks and the transparency.

    Other chunks are not displayed, and can be harmful: 7 MB of compressed texts that expand a
    thousandfold keep libpng busy for 20 seconds, and OpenCV 5.0.0 returns the first frame of an
    animation instead of the default image.

    Raises:
        CorruptImageError: the file ends before its last chunk, or has too many chunks.

    """
    parts = [data[:_SIGNATURE_BYTES]]
    for kind, start, end in _chunks(data):
        if not kind[0] & _ANCILLARY or kind == b"tRNS":
            parts.append(data[start:end])
        if kind == b"IEND":
            return b"".join(parts)
    raise CorruptImageError("the PNG ends before its last chunk")


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Yield the chunks up to the last one, or to the end of a truncated file."""
    start = _SIGNATURE_BYTES
    for _ in range(_MAX_CHUNKS):
        if start + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield _Chunk(kind, start, end)
        if kind == b"IEND":
            return
        start = end
    raise CorruptImageError("the PNG has more chunks than an encoder writes")
