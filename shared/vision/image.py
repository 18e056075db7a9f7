"""Decodes and encodes image files; the orientation is the only metadata that is kept."""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from shared.core.photos.models import ImageFormat, Photo
from shared.core.photos.ports import ImageCodec
from shared.vision import bmp, exif, jpeg, png
from shared.vision.headers import Header, sniff


class _Reader(Protocol):
    """The functions of each format's module."""

    def read_header(self, data: bytes) -> Header: ...
    def pixel_data(self, data: bytes) -> bytes: ...


_READERS: dict[ImageFormat, _Reader] = {
    ImageFormat.JPEG: jpeg,
    ImageFormat.PNG: png,
    ImageFormat.BMP: bmp,
}

# A rotation, then a reflection: OpenCV rotates four times as fast as it transposes.
_ROTATIONS = {
    3: cv2.ROTATE_180,
    5: cv2.ROTATE_90_CLOCKWISE,
    6: cv2.ROTATE_90_CLOCKWISE,
    7: cv2.ROTATE_90_CLOCKWISE,
    8: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_REFLECTIONS = {2: 1, 4: 0, 5: 1, 7: 0}

_TO_BGR = {(): cv2.COLOR_GRAY2BGR, (4,): cv2.COLOR_BGRA2BGR}
_FROM_16_BITS = 255 / 65535

_MIN_QUALITY, _MAX_QUALITY, _DEFAULT_QUALITY = 75, 95, 90
# OpenCV's default (run lengths of the Sub filter) takes up to 30% less time for 8 bits, but makes
# larger files: up to a fifth for photos, two thirds for a screenshot.
_PNG_PARAMETERS = (
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH,
)  # fmt: skip


class CvImageCodec(ImageCodec):
    """Uses OpenCV's decoders, after our own readers of each format.

    A decoder only gets a file whose header was read, whose size is allowed and whose end was found,
    and only the parts that make the pixels. OpenCV's log is switched off for the whole process:
    broken files are errors of the caller, who gets an exception.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

    @override
    def decode(self, data: bytes) -> Photo:
        """Return the first frame of an image file.

        Grey stays grey, 16 bits stay 16, and transparency stays, except the transparent colour of a
        grey PNG. Palettes and CMYK become BGR. `upright_bgr` ignores the transparency, so that
        faces in transparent parts are detected.

        Raises:
            UnsupportedImageError: the format is not supported.
            TooManyPixelsError: the header announces too many pixels; nothing was decoded.
            CorruptImageError: the file is truncated or broken.

        """
        image_format = sniff(data)
        if image_format is None:
            raise UnsupportedImageError
        reader = _READERS[image_format]
        header = reader.read_header(data)
        if header.width * header.height > self._max_pixels:
            raise TooManyPixelsError
        stored = _decode(reader.pixel_data(data))
        if stored.shape[:2] != (header.height, header.width):
            raise CorruptImageError("the image does not have the size that its header announces")
        orientation = header.orientation or 1
        upright_bgr = apply_exif_orientation(_as_bgr(stored), orientation)
        stored.flags.writeable = upright_bgr.flags.writeable = False
        return Photo(
            stored=stored,
            upright_bgr=upright_bgr,
            orientation=orientation,
            has_orientation=header.orientation is not None,
            format=image_format,
            quality=header.quality,
        )

    @override
    def encode(self, photo: Photo) -> bytes:
        """Return `photo.stored` as a file of its format, with an orientation tag at most.

        A JPEG keeps its quality, limited to 75..95 (90 if unknown), with chroma at half the
        resolution (4:2:0).

        Raises:
            ValueError: the format cannot hold the pixels; never happens for decoded photos.

        """
        blocks = []
        if photo.has_orientation:
            blocks = [np.frombuffer(exif.orientation_block(photo.orientation), np.uint8)]
        kinds = [cv2.IMAGE_METADATA_EXIF] * len(blocks)
        done, data = cv2.imencodeWithMetadata(
            f".{photo.format}", photo.stored, kinds, blocks, _parameters(photo)
        )
        if not done:
            raise ValueError(f"a {photo.format} file cannot hold {photo.stored.shape} pixels")
        return data.tobytes()


def apply_exif_orientation(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels as a viewer displays them.

    Args:
        pixels: uint8 or uint16, HxW or HxWxC, in the stored grid.
        orientation: the EXIF orientation, 1..8.

    Returns:
        The array itself for orientation 1, otherwise a new one; WxH or WxHxC for 5..8.

    """
    if orientation in _ROTATIONS:
        pixels = cv2.rotate(pixels, _ROTATIONS[orientation])
    if orientation in _REFLECTIONS:
        pixels = cv2.flip(pixels, _REFLECTIONS[orientation])
    return pixels


def _decode(data: bytes) -> NDArray[Any]:
    """Return the stored pixels; IMREAD_UNCHANGED keeps depth, transparency and orientation."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise CorruptImageError("the image cannot be decoded")
    return pixels


def _as_bgr(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels as uint8 BGR; the array itself if it already is."""
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=_FROM_16_BITS)
    conversion = _TO_BGR.get(pixels.shape[2:])
    return pixels if conversion is None else cv2.cvtColor(pixels, conversion)


def _parameters(photo: Photo) -> tuple[int, ...]:
    if photo.format is ImageFormat.PNG:
        return _PNG_PARAMETERS
    if photo.format is ImageFormat.JPEG:
        quality = photo.quality or _DEFAULT_QUALITY
        return cv2.IMWRITE_JPEG_QUALITY, min(max(quality, _MIN_QUALITY), _MAX_QUALITY)
    return ()
