"""The one EXIF tag that matters here: the orientation (CIPA DC-008-2023, section 4.6.5.1.6).

An EXIF block is a small TIFF file: a byte order, the number 42, and where its first directory
(IFD0) lies. Only that directory is read, so one that refers to itself or to nowhere does no harm.
"""

import struct

_ORIENTATION = 0x0112
_SHORT = 3
_ORIENTATIONS = range(1, 9)
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_TIFF_MAGIC = 42


def read_orientation(block: bytes) -> int | None:
    """Return the orientation, 1..8, that an EXIF block (from its byte order mark on) names.

    None stands for a block without the tag, with a value outside 1..8, or broken before the tag.
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
    except struct.error:  # an offset beyond the block
        return None
    return None


def orientation_block(orientation: int) -> bytes:
    """Return an EXIF block that names an orientation and nothing else."""
    return struct.pack(
        ">2sHIHHHIHxxI", b"MM", _TIFF_MAGIC, 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0
    )
