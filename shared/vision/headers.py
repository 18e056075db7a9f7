"""What the header of an image file says, read before a decoder processes the file."""

from dataclasses import dataclass

from shared.core.photos.models import ImageFormat

_MAGIC = {
    b"\xff\xd8\xff": ImageFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": ImageFormat.PNG,
    b"BM": ImageFormat.BMP,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an image file.

    Attributes:
        width: of the stored grid, in pixels, at least 1.
        height: of the stored grid, in pixels, at least 1.
        orientation: the EXIF orientation, 1..8; None if the file has no orientation tag.
        quality: the JPEG quality, 1..100, estimated from the quantisation table; None if unknown.

    """

    width: int
    height: int
    orientation: int | None = None
    quality: int | None = None


def sniff(data: bytes) -> ImageFormat | None:
    """Return the format of a file by its first bytes, or None for an unsupported one."""
    formats = (image_format for magic, image_format in _MAGIC.items() if data.startswith(magic))
    return next(formats, None)
