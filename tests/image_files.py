"""Image files that a test needs: by Pillow where it writes them, else byte by byte."""

import io
import struct
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@cache
def photo() -> Image.Image:
    """Return a real photo, the astronaut's face: RGB, 61 wide and 47 high, both odd on purpose."""
    astronaut = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    return Image.fromarray(astronaut[60:201:3, 140:323:3])


def save(image: Image.Image, image_format: str, **options: Any) -> bytes:
    """Return what Pillow writes."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def open_again(data: bytes) -> Image.Image:
    """Return what Pillow reads."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pillow(data: bytes, mode: str) -> NDArray[Any]:
    """Return the pixels that Pillow reads, in one of its modes."""
    return np.asarray(open_again(data).convert(mode))


def difference(decoded: NDArray[Any], expected: NDArray[Any]) -> int:
    """Return by how much decoded pixels (grey, BGR, BGRA) differ from grey, RGB or RGBA at most."""
    if decoded.ndim == 3:
        decoded = decoded[..., [2, 1, 0, 3][: decoded.shape[2]]]
    assert decoded.shape == expected.shape
    return int(np.abs(decoded.astype(int) - expected.astype(int)).max())


def exif_block(orientation: int, *, byte_order: str = ">", more: bytes = b"") -> bytes:
    """Return an EXIF block with an orientation; `more` is appended to it."""
    mark = b"MM" if byte_order == ">" else b"II"
    entry = struct.pack(byte_order + "HHIHxx", 0x0112, 3, 1, orientation)
    header = struct.pack(byte_order + "HIH", 42, 8, 1)
    return mark + header + entry + bytes(4) + more


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """Return a JPEG segment with its marker and length."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_jpeg_segments(data: bytes, *segments: bytes) -> bytes:
    """Return a JPEG with segments right after its start."""
    return data[:2] + b"".join(segments) + data[2:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk with its length and checksum."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the kind and the content of every chunk of a PNG."""
    chunks = []
    position = len(PNG_SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        chunks.append((kind, data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def with_png_chunks(data: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with chunks right after its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def png_header(width: int, height: int, *, depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG's signature and header chunk; colour 0 is grey, 2 RGB, 4 and 6 have alpha."""
    content = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return PNG_SIGNATURE + png_chunk(b"IHDR", content)


def png(samples: NDArray[np.uint8] | NDArray[np.uint16], *, depth: int, colour: int) -> bytes:
    """Return a PNG without filters; samples are HxW or HxWxC, of 1, 2, 4, 8 or 16 bits each."""
    height, width = samples.shape[:2]
    if depth < 8:
        bits = np.unpackbits(samples.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    else:
        rows = samples.astype(f">u{depth // 8}").reshape(height, -1).view(np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    return (
        png_header(width, height, depth=depth, colour=colour)
        + png_chunk(b"IDAT", zlib.compress(raw))
        + png_chunk(b"IEND", b"")
    )


def bmp_rows(items: NDArray[Any]) -> bytes:
    """Return pixels as the rows of a BMP, the bottom one first, each padded to 4 bytes."""
    rows = [row.tobytes() for row in items[::-1]]
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def bmp(
    size: tuple[int, int],
    depth: int,
    pixels: bytes,
    *,
    palette: bytes = b"",
    compression: int = 0,
    header_bytes: int = 40,
    masks: Iterable[int] = (),
) -> bytes:
    """Return a BMP; a negative height has its top row first, 12 header bytes are OS/2's."""
    width, height = size
    if header_bytes == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, depth)
    else:
        fields = (header_bytes, width, height, 1, depth, compression, len(pixels), 0, 0, 0, 0)
        header = struct.pack("<IiiHHIIiiII", *fields)
        header += b"".join(struct.pack("<I", mask) for mask in masks)
        header = header.ljust(header_bytes, b"\0")
    position = 14 + len(header) + len(palette)
    file_header = struct.pack("<2sIHHI", b"BM", position + len(pixels), 0, 0, position)
    return file_header + header + palette + pixels
