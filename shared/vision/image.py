"""Image files: to pixels and back, with nothing of the metadata but the orientation."""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.core.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from shared.core.photos.models import ImageFormat, Photo
from shared.vision import bmp, exif, jpeg, png
from shared.vision.headers import Header, sniff


class _Reader(Protocol):
    """What each module of a format does; its functions say what they raise."""

    def read_header(self, data: bytes) -> Header: ...
    def pixel_data(self, data: bytes) -> bytes: ...


_READERS: dict[ImageFormat, _Reader] = {
    ImageFormat.JPEG: jpeg,
    ImageFormat.PNG: png,
    ImageFormat.BMP: bmp,
}

# A rotation and then a reflection; OpenCV rotates four times as fast as it transposes.
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
# OpenCV's own choice (run lengths of the Sub filter) takes up to 30% less time for 8 bits, but its
# files are larger: of photos by up to a fifth, of a screenshot by two thirds.
_PNG_PARAMETERS = (
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH,
)  # fmt: skip


class CvImageCodec:
    """Implements `ImageCodec` with OpenCV's decoders behind readers of our own.

    A decoder sees a file only after its header was read, its size was allowed, its end was found,
    and everything that is no pixel was cut away. OpenCV's own log is silenced, for the whole
    process: what is wrong with a file is its sender's business, and told by an error.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

    def decode(self, data: bytes) -> Photo:
        """Return the first frame of an image file.

        Grey stays grey, 16 bits stay 16, transparency stays (but a grey PNG's transparent colour);
        palettes and CMYK become BGR. `upright_bgr` ignores the transparency, so that a face under
        it is seen too.

        Raises:
            UnsupportedImageError: the first bytes are of no format that is taken here.
            TooManyPixelsError: the header announces too many pixels (nothing was decoded).
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
            raise CorruptImageError("the image is not of the size that its header announces")
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

    def encode(self, photo: Photo) -> bytes:
        """Return `photo.stored` as a file of its format, with no metadata but an orientation tag.

        A JPEG is written at the quality it came with, 75..95 (90 where that is unknown), with
        chroma at half the resolution (4:2:0).

        Raises:
            ValueError: the format cannot hold the pixels; none that was decoded is of that sort.

        """
        blocks = []
        if photo.has_orientation:
            blocks = [np.frombuffer(exif.orientation_block(photo.orientation), np.uint8)]
        done, data = cv2.imencodeWithMetadata(
            f".{photo.format}",
            photo.stored,
            [cv2.IMAGE_METADATA_EXIF] * len(blocks),
            blocks,
            _parameters(photo),
        )
        if not done:
            raise ValueError(f"a {photo.format} file cannot hold {photo.stored.shape} pixels")
        return data.tobytes()


def apply_exif_orientation(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels as a viewer shows them.

    Args:
        pixels: uint8 or uint16, HxW or HxWxC, in the stored grid.
        orientation: the EXIF orientation, 1..8.

    Returns:
        The array itself for orientation 1, else a new one; WxH or WxHxC for 5..8.

    """
    if orientation in _ROTATIONS:
        pixels = cv2.rotate(pixels, _ROTATIONS[orientation])
    if orientation in _REFLECTIONS:
        pixels = cv2.flip(pixels, _REFLECTIONS[orientation])
    return pixels


def _decode(data: bytes) -> NDArray[Any]:
    """Return the pixels in the stored grid: IMREAD_UNCHANGED keeps depth, alpha and orientation."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise CorruptImageError("the image cannot be decoded") from error
    if pixels is None:
        raise CorruptImageError("the image cannot be decoded")
    return pixels


def _as_bgr(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return uint8 BGR: the array itself where it is that already."""
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
