"""BMP files: header, completeness, and a form of each file that OpenCV decodes correctly.

The supported headers are Microsoft's BITMAPCOREHEADER (and OS/2's) to BITMAPV5HEADER. OpenCV 5.0.0
decodes files with the BITMAPCOREHEADER as grey, darkens 16 bits per pixel (white becomes 248) or
rejects them after a header of more than 40 bytes, and takes the unused byte of 32 bits per pixel
for transparency. Such files are rewritten.
"""

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import CorruptImageError
from shared.vision.headers import Header

_FILE_HEADER_BYTES = 14
_CORE_HEADER_BYTES = 12
_WITH_ALPHA_MASK_BYTES = 56
_HEADER_BYTES = frozenset({_CORE_HEADER_BYTES, 40, 52, _WITH_ALPHA_MASK_BYTES, 64, 108, 124})
_MASKS_POSITION = 54

_RGB, _RLE8, _RLE4, _BITFIELDS = range(4)
_DEPTHS_AND_COMPRESSIONS = frozenset(
    {(depth, _RGB) for depth in (1, 4, 8, 16, 24, 32)}
    | {(8, _RLE8), (4, _RLE4), (16, _BITFIELDS), (32, _BITFIELDS)}
)
_MASKS_555 = (0x7C00, 0x03E0, 0x001F)
_MASKS_8888 = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_MAX_PALETTE_DEPTH = 8
_MAX_BYTE = 255


class _Bitmap(NamedTuple):
    """The fields of the headers.

    `position` is the offset of the pixels. `height` is negative if the top row comes first.
    `compressed_bytes` may be 0 for uncompressed pixels. `masks` are the bits of red, green, blue
    and possibly alpha in a pixel; empty if the layout does not use masks.
    """

    position: int
    header_bytes: int
    width: int
    height: int
    depth: int
    compression: int
    compressed_bytes: int
    masks: tuple[int, ...]

    @property
    def pixel_bytes(self) -> int:
        """The bytes of uncompressed pixels; rows are padded to multiples of 4 bytes."""
        return (self.width * self.depth + 31) // 32 * 4 * abs(self.height)


def read_header(data: bytes) -> Header:
    """Read the size.

    Raises:
        CorruptImageError: the header is broken, unsupported or announces no pixels.

    """
    bitmap = _parse(data)
    return Header(bitmap.width, abs(bitmap.height))


def pixel_data(data: bytes) -> bytes:
    """Return the file itself, or one with the same pixels that OpenCV decodes correctly.

    Raises:
        CorruptImageError: the file has fewer bytes than its header announces.

    """
    bitmap = _parse(data)
    is_compressed = bitmap.compression in {_RLE4, _RLE8}
    pixel_bytes = bitmap.compressed_bytes if is_compressed else bitmap.pixel_bytes
    if bitmap.position + pixel_bytes > len(data):
        raise CorruptImageError("the BMP ends before its last pixel")
    if bitmap.masks:
        return _as_32_bits(data, bitmap)
    if bitmap.header_bytes == _CORE_HEADER_BYTES:
        return _with_long_header(data, bitmap)
    return data


def _parse(data: bytes) -> _Bitmap:
    try:
        position, header_bytes = struct.unpack_from("<II", data, 10)
        if header_bytes == _CORE_HEADER_BYTES:
            width, height, _, depth = struct.unpack_from("<4H", data, 18)
            compression = compressed_bytes = 0
        else:
            fields = struct.unpack_from("<iiHHII", data, 18)
            width, height, _, depth, compression, compressed_bytes = fields
        masks = _read_masks(data, header_bytes, depth, compression)
    except struct.error:
        raise CorruptImageError("the BMP ends within its header") from None
    if header_bytes not in _HEADER_BYTES or (depth, compression) not in _DEPTHS_AND_COMPRESSIONS:
        raise CorruptImageError("the kind of BMP is not supported")
    if width <= 0 or height == 0 or position < _FILE_HEADER_BYTES + header_bytes:
        raise CorruptImageError("the BMP announces no pixels, or pixels inside its header")
    if height < 0 and compression in {_RLE4, _RLE8}:
        raise CorruptImageError("a compressed BMP must have its bottom row first")
    if masks and not all(masks[:3]):
        raise CorruptImageError("the BMP has no bits for a colour")
    return _Bitmap(
        position, header_bytes, width, height, depth, compression, compressed_bytes, masks
    )


def _read_masks(data: bytes, header_bytes: int, depth: int, compression: int) -> tuple[int, ...]:
    if (depth, compression) == (16, _RGB):
        return _MASKS_555
    if compression != _BITFIELDS:
        return ()
    count = 4 if header_bytes >= _WITH_ALPHA_MASK_BYTES else 3
    masks = struct.unpack_from(f"<{count}I", data, _MASKS_POSITION)
    return tuple(mask & (1 << depth) - 1 for mask in masks)


def _as_32_bits(data: bytes, bitmap: _Bitmap) -> bytes:
    """Return the same image with a byte each for blue, green, red and, if present, alpha."""
    item = np.dtype(f"<u{bitmap.depth // 8}")
    count = bitmap.pixel_bytes // item.itemsize
    rows = np.frombuffer(data, item, count, bitmap.position).reshape(abs(bitmap.height), -1)
    red, green, blue, *alpha = bitmap.masks
    bgra = np.zeros((abs(bitmap.height), bitmap.width, 4), np.uint8)
    for channel, mask in enumerate((blue, green, red, *alpha)):
        if mask:
            bgra[..., channel] = _channel(rows[:, : bitmap.width], mask)
    compression = _BITFIELDS if any(alpha) else _RGB
    return _file(bitmap._replace(depth=32, compression=compression), b"", bgra.tobytes())


def _channel(pixels: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """Return the masked bits of each pixel, scaled to 0..255."""
    shift = (mask & -mask).bit_length() - 1
    highest = mask >> shift
    values: NDArray[Any] = (pixels & mask) >> shift
    if highest != _MAX_BYTE:
        values = np.rint(values * (_MAX_BYTE / highest))
    return values.astype(np.uint8)


def _with_long_header(data: bytes, bitmap: _Bitmap) -> bytes:
    """Return the same image with a longer header, whose palette has four bytes per colour."""
    palette = b""
    if bitmap.depth <= _MAX_PALETTE_DEPTH:
        start = _FILE_HEADER_BYTES + _CORE_HEADER_BYTES
        triples = data[start : min(bitmap.position, start + 3 * (1 << bitmap.depth))]
        palette = b"".join(triples[i : i + 3] + b"\0" for i in range(0, len(triples), 3))
    return _file(bitmap, palette, data[bitmap.position :])


def _file(bitmap: _Bitmap, palette: bytes, pixels: bytes) -> bytes:
    """Return a file of pixels or palette indices with a header that has an alpha mask."""
    position = _FILE_HEADER_BYTES + _WITH_ALPHA_MASK_BYTES + len(palette)
    header = struct.pack(
        "<2s4I2i2H10I",
        *(b"BM", position + len(pixels), 0, position),
        *(_WITH_ALPHA_MASK_BYTES, bitmap.width, bitmap.height, 1, bitmap.depth),
        *(bitmap.compression, len(pixels), 0, 0, len(palette) // 4, 0),
        *_MASKS_8888,
    )
    return header + palette + pixels
