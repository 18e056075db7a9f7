"""The only EXIF tag that is used: the orientation (CIPA DC-008-2023, section 4.6.5.1.6).

An EXIF block is a small TIFF file: a byte order, the number 42, and the offset of its first
directory (IFD0). Only that directory is read, so a directory that refers to itself does no harm.
"""

import struct

_ORIENTATION = 0x0112
_SHORT = 3
_ORIENTATIONS = range(1, 9)
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_TIFF_MAGIC = 42


def read_orientation(block: bytes) -> int | None:
    """Return the orientation, 1..8, of an EXIF block that starts with its byte order mark.

    None means that the tag is missing, has another value, or that the block is broken.
    """
    byte_order = _BYTE_ORDERS.get(block[:2])
    if byte_order is None:
        return None
    try:
        magic, directory = struct.unpack_from(byte_order + "HI", block, 2)
        (entries,) = struct.unpack_from(byte_order + "H", block, directory)
        for entry in range(entries if magic == _TIFF_MAGIC else 0):
            tag, kind, count, value = struct.unpack_from(
                byte_order + "HHIH", block, directory + 2 + 12 * entry
            )
            if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
                return value if value in _ORIENTATIONS else None
    except struct.error:  # an offset beyond the end
        return None
    return None


def orientation_block(orientation: int) -> bytes:
    """Return an EXIF block with an orientation tag, 1..8, and no other tag."""
    return struct.pack(
        ">2sHIHHHIHxxI", b"MM", _TIFF_MAGIC, 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0
    )
