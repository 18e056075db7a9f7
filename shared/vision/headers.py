"""What an image file says of itself, read before any decoder sees it."""

from dataclasses import dataclass

from shared.core.photos.models import ImageFormat

_MAGIC = {
    b"\xff\xd8\xff": ImageFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": ImageFormat.PNG,
    b"BM": ImageFormat.BMP,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The announcements of an image file.

    Attributes:
        width: of the stored grid, in pixels, at least 1.
        height: of the stored grid, in pixels, at least 1.
        orientation: the EXIF orientation, 1..8; None where the file names none.
        quality: the JPEG quality, 1..100, estimated from the quantisation table; None for others.

    """

    width: int
    height: int
    orientation: int | None = None
    quality: int | None = None


def sniff(data: bytes) -> ImageFormat | None:
    """Return the format that the first bytes of a file name, or None for any not taken here."""
    for magic, image_format in _MAGIC.items():
        if data.startswith(magic):
            return image_format
    return None
