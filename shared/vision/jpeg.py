"""JPEG files (ITU-T T.81): header, completeness, and the segments that make the pixels."""

import re
import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from shared.core.errors import CorruptImageError
from shared.vision import exif
from shared.vision.headers import Header

# Markers that start a segment. Stuffed bytes, fill bytes, TEM and restart markers do not.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA
_QUANTISATION = 0xDB
_APP1 = 0xE1
# Comments and application data, except JFIF (APP0) and Adobe (APP14), which name the colour space.
_METADATA = (frozenset(range(0xE1, 0xF0)) - {0xEE}) | {0xFE}
_EXIF = b"Exif\x00"

# A scan of a few bytes makes the decoder process the whole image: 10 MB of such scans take an hour
# at 50 megapixels. Encoders write about ten, and many segments only for large colour profiles.
_MAX_SCANS = 100
_MAX_SEGMENTS = 2000

# The luminance table of T.81, annex K.1, which the library of the IJG scales by quality.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


class _Segment(NamedTuple):
    """A marker and its content: `data[start:end]` in all, the content is `data[body:end]`."""

    marker: int
    start: int
    body: int
    end: int


def read_header(data: bytes) -> Header:
    """Read the size, the orientation and the quality, up to the first scan.

    Raises:
        CorruptImageError: the file has no frame, a frame without pixels, or too many segments.

    """
    frame = b""
    orientation = None
    tables: dict[int, int] = {}
    for marker, _, body, end in _segments(data):
        if marker in {_START_OF_SCAN, _END_OF_IMAGE}:
            break
        content = data[body:end]
        if marker in _START_OF_FRAME:
            frame = frame or content
        elif marker == _QUANTISATION:
            tables.update(_table_sums(content))
        elif marker == _APP1 and content.startswith(_EXIF) and orientation is None:
            orientation = exif.read_orientation(content[len(_EXIF) + 1 :])
    try:
        height, width, table = struct.unpack_from(">xHHxxxB", frame)
    except struct.error:
        raise CorruptImageError("the JPEG has no complete frame header") from None
    if not (width and height):
        raise CorruptImageError("the JPEG announces no pixels")
    quality = _quality(tables[table]) if table in tables else None
    return Header(width, height, orientation, quality)


def pixel_data(data: bytes) -> bytes:
    """Return the first image of the file without its metadata.

    Raises:
        CorruptImageError: the file ends before its image does, or has too many scans or segments.

    """
    parts = []
    start = scans = 0
    for segment in _segments(data):
        if segment.marker == _END_OF_IMAGE:
            parts.append(data[start : segment.end])
            return b"".join(parts)
        scans += segment.marker == _START_OF_SCAN
        if scans > _MAX_SCANS:
            raise CorruptImageError("the JPEG has more scans than an encoder writes")
        if segment.marker in _METADATA:
            parts.append(data[start : segment.start])
            start = segment.end
    raise CorruptImageError("the JPEG ends before its end-of-image marker")


def _segments(data: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the first end-of-image marker, or to the end of a truncated file."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None:
            return
        marker = data[found.end() - 1]
        body = found.end()
        if marker == _END_OF_IMAGE:
            yield _Segment(marker, found.start(), body, body)
            return
        position = body + int.from_bytes(data[body : body + 2], "big")
        if position > len(data):
            return
        yield _Segment(marker, found.start(), min(body + 2, position), position)
    raise CorruptImageError("the JPEG has more segments than an encoder writes")


def _table_sums(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the number of each quantisation table in a segment and the sum of its 64 entries."""
    position = 0
    while position < len(content):
        number, wide = content[position] & 15, content[position] >> 4
        entries = content[position + 1 : position + 1 + (128 if wide else 64)]
        yield number, 256 * sum(entries[::2]) + sum(entries[1::2]) if wide else sum(entries)
        position += 1 + len(entries)


def _quality(table_sum: int) -> int:
    """Return the quality whose IJG luminance table has the closest sum of entries."""
    return min(range(1, 101), key=lambda quality: abs(_luminance_sum(quality) - table_sum))


@cache
def _luminance_sum(quality: int) -> int:
    """Return the sum of the IJG's luminance table for a quality."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality  # noqa: PLR2004 - the IJG's rule
    return sum(min(max((entry * percent + 50) // 100, 1), 255) for entry in _LUMINANCE)
