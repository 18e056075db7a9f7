import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from harness import photos
from shared.core.errors import (
    CorruptImageError,
    ImageError,
    TooManyPixelsError,
    UnsupportedImageError,
)
from shared.core.photos.models import ImageFormat, Photo
from shared.vision import image
from shared.vision.image import CvImageCodec
from tests import image_files
from tests.image_files import difference, pillow

IMAGES = CvImageCodec(max_pixels=4_000_000)
MAGIC_NUMBERS = [b"\xff\xd8\xff", image_files.PNG_SIGNATURE, b"BM"]
SECRET = b"Seoul-37.5665N-126.9780E"


def jpeg(**options: Any) -> bytes:
    return image_files.save(image_files.photo(), "JPEG", **options)


def tagged(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def decode(data: bytes) -> Photo:
    return IMAGES.decode(data)


@pytest.mark.parametrize("pillow_format", ["GIF", "WEBP", "TIFF"])
def test_refuses_other_formats(pillow_format: str) -> None:
    with pytest.raises(UnsupportedImageError):
        decode(image_files.save(image_files.photo(), pillow_format))


@pytest.mark.parametrize("data", [b"", b"B", b"hello", bytes(100)])
def test_refuses_data_that_is_not_an_image(data: bytes) -> None:
    with pytest.raises(UnsupportedImageError):
        decode(data)


@pytest.mark.parametrize("magic", MAGIC_NUMBERS)
def test_refuses_a_magic_number_alone(magic: bytes) -> None:
    with pytest.raises(CorruptImageError):
        decode(magic)


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "BMP"])
def test_refuses_too_many_pixels_before_decoding_them(pillow_format: str) -> None:
    data = image_files.save(image_files.photo(), pillow_format)
    width, height = image_files.photo().size
    assert CvImageCodec(max_pixels=width * height).decode(data).upright_size == (width, height)
    with pytest.raises(TooManyPixelsError):
        CvImageCodec(max_pixels=width * height - 1).decode(data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    "data",
    [
        image_files.png_header(60000, 60000),
        jpeg().replace(struct.pack(">HH", 47, 61), b"\xff\xff\xff\xff"),
        image_files.bmp((2**31 - 1, 2**31 - 1), 24, b""),
    ],
    ids=["png", "jpeg", "bmp"],
)
def test_refuses_an_enormous_announced_size(data: bytes) -> None:
    with pytest.raises(TooManyPixelsError):
        decode(data)


def test_accepts_a_png_that_expands_a_thousandfold() -> None:
    data = image_files.png(np.zeros((1000, 1000), np.uint8), depth=8, colour=0)
    assert len(data) < 2000
    assert not decode(data).stored.any()


def test_refuses_a_png_with_two_headers() -> None:
    data = image_files.save(image_files.photo(), "PNG")
    second = image_files.png_header(60000, 60000)[8:]
    for position in (33, len(data) - 12):
        with pytest.raises(CorruptImageError):
            decode(data[:position] + second + data[position:])


def test_refuses_a_png_with_a_wrong_checksum() -> None:
    data = bytearray(image_files.save(image_files.photo(), "PNG"))
    data[-20] ^= 1
    with pytest.raises(CorruptImageError):
        decode(bytes(data))


def test_refuses_a_png_with_too_few_pixels() -> None:
    few = image_files.png_chunk(b"IDAT", zlib.compress(bytes(100)))
    end = image_files.png_chunk(b"IEND", b"")
    with pytest.raises(CorruptImageError):
        decode(image_files.png_header(60, 60) + few + end)


def test_refuses_a_jpeg_of_12_bits() -> None:
    data = bytearray(jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + 1] = 0xC1
    data[frame + 4] = 12
    with pytest.raises(CorruptImageError):
        decode(bytes(data))


def test_refuses_a_jpeg_of_two_frames() -> None:
    data = jpeg()
    start = data.index(b"\xff\xc0")
    frame = data[start : start + 19]
    with pytest.raises(CorruptImageError):
        decode(data[:start] + frame.replace(struct.pack(">HH", 47, 61), b"\0\1\0\1") + data[start:])


@cache
def small_files() -> tuple[bytes, ...]:
    """Return a small file of each kind."""
    small = image_files.photo().resize((24, 17))
    exif = tagged(6)
    return (
        image_files.save(small, "JPEG", quality=40, exif=exif),
        image_files.save(small, "JPEG", progressive=True),
        image_files.save(small.convert("L"), "JPEG"),
        image_files.save(small.convert("CMYK"), "JPEG"),
        image_files.save(small, "PNG", exif=exif),
        image_files.save(small.quantize(16), "PNG", bits=4),
        image_files.save(small.convert("RGBA"), "PNG"),
        image_files.save(small.convert("I;16"), "PNG"),
        image_files.save(small, "BMP"),
        image_files.save(small.convert("P"), "BMP"),
        image_files.bmp((3, 4), 8, b"\3\7\0\0" * 4 + b"\0\1", palette=bytes(1024), compression=1),
        image_files.bmp((24, 17), 16, bytes(816), compression=3, masks=(0xF800, 0x7E0, 0x1F)),
    )


@pytest.mark.parametrize("number", range(len(small_files())))
def test_refuses_a_file_truncated_anywhere(number: int) -> None:
    data = small_files()[number]
    decode(data)
    for length in range(0, len(data) - 1, 7):
        with pytest.raises(ImageError):
            decode(data[:length])


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(small_files()), st.data())
def test_changed_bytes_never_raise_anything_but_a_corrupt_image(
    file: bytes, data: st.DataObject
) -> None:
    changes = st.tuples(st.integers(2, len(file) - 1), st.integers(0, 255))
    changed = bytearray(file)
    for position, value in data.draw(st.lists(changes, min_size=1, max_size=8)):
        changed[position] = value
    try:
        photo = decode(bytes(changed))
    except ImageError:
        return
    assert decode(IMAGES.encode(photo)).stored.shape == photo.stored.shape


@settings(deadline=None)
@given(
    st.sampled_from([*MAGIC_NUMBERS, image_files.png_header(9, 9)]),
    st.binary(max_size=300),
)
def test_random_bytes_after_a_magic_number_are_corrupt(magic: bytes, rest: bytes) -> None:
    with pytest.raises(ImageError):
        decode(magic + rest)


def test_prints_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    broken_bmp = image_files.bmp((9, 9), 8, b"\3\7\0\0", palette=bytes(1024), compression=1)
    with pytest.raises(CorruptImageError):
        decode(broken_bmp)
    bomb = image_files.png_chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(10_000_000)))
    profile = image_files.png_chunk(b"iCCP", b"name\0\0" + zlib.compress(b"no profile"))
    data = image_files.save(image_files.photo(), "PNG")
    decode(image_files.with_png_chunks(data, bomb, bomb, profile))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG"])
def test_applies_the_orientation(orientation: int, pillow_format: str) -> None:
    data = image_files.save(image_files.photo(), pillow_format, exif=tagged(orientation))
    read = image_files.open_again(data)
    photo = decode(data)
    assert difference(photo.stored, np.asarray(read)) == 0
    assert difference(photo.upright_bgr, np.asarray(ImageOps.exif_transpose(read))) == 0
    assert (photo.orientation, photo.has_orientation) == (orientation, True)


def test_a_photo_without_a_tag_is_upright() -> None:
    photo = decode(jpeg())
    assert (photo.orientation, photo.has_orientation) == (1, False)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_applies_the_orientation_to_every_kind_of_array(
    orientation: int, dtype: type[np.unsignedinteger], channels: tuple[int, ...]
) -> None:
    shape = (5, 7, *channels)
    pixels: NDArray[Any] = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    before = pixels.copy()
    turned = image.apply_exif_orientation(pixels, orientation)
    expected = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: pixels[::-1].swapaxes(0, 1),
        7: pixels[::-1, ::-1].swapaxes(0, 1),
        8: pixels[:, ::-1].swapaxes(0, 1),
    }[orientation]
    assert np.array_equal(turned, expected)
    assert np.array_equal(pixels, before)


def test_several_threads_can_decode_at_once() -> None:
    files = small_files() * 8
    with ThreadPoolExecutor(8) as threads:
        at_once = list(threads.map(decode, files))
    for file, photo in zip(files, at_once, strict=True):
        assert np.array_equal(photo.stored, decode(file).stored)


def test_an_ordinary_photo_is_one_array() -> None:
    photo = decode(photos.load("obama.jpg"))
    assert photo.stored is photo.upright_bgr


@pytest.mark.parametrize("number", range(len(small_files())))
def test_pixels_cannot_be_written_to(number: int) -> None:
    photo = decode(small_files()[number])
    assert not photo.stored.flags.writeable
    assert not photo.upright_bgr.flags.writeable
    assert photo.upright_bgr.dtype == np.uint8
    assert photo.upright_bgr.shape[2:] == (3,)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG"])
def test_writes_the_orientation_and_no_other_tag(orientation: int, pillow_format: str) -> None:
    exif = tagged(orientation)
    exif[0x010F] = "a camera"
    data = image_files.save(image_files.photo(), pillow_format, exif=exif)
    written = IMAGES.encode(decode(data))
    assert dict(image_files.open_again(written).getexif()) == {0x0112: orientation}
    assert decode(written).orientation == orientation


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "BMP"])
def test_writes_no_tag_if_there_was_none(pillow_format: str) -> None:
    written = IMAGES.encode(decode(image_files.save(image_files.photo(), pillow_format)))
    again = image_files.open_again(written)
    assert again.format == pillow_format
    assert not again.getexif()
    assert set(again.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "compression"}


@pytest.mark.parametrize(
    ("quality", "expected"), [(20, 75), (75, 75), (88, 88), (95, 95), (99, 95)]
)
def test_writes_a_jpeg_at_its_quality_within_bounds(quality: int, expected: int) -> None:
    assert decode(IMAGES.encode(decode(jpeg(quality=quality)))).quality == expected


def test_writes_a_jpeg_of_unknown_quality_at_90() -> None:
    photo = replace(decode(jpeg(quality=50)), quality=None)
    assert decode(IMAGES.encode(photo)).quality == 90


def test_a_rewritten_jpeg_looks_the_same() -> None:
    photo = decode(photos.astronaut_jpeg())
    again = decode(IMAGES.encode(photo))
    assert cv2.PSNR(photo.stored, again.stored) > 35


def test_grey_stays_grey() -> None:
    data = image_files.save(image_files.photo().convert("L"), "JPEG")
    assert image_files.open_again(IMAGES.encode(decode(data))).mode == "L"


def test_writes_cmyk_as_rgb() -> None:
    data = image_files.save(image_files.photo().convert("CMYK"), "JPEG")
    assert image_files.open_again(IMAGES.encode(decode(data))).mode == "RGB"


@pytest.mark.parametrize("colour", [0, 2, 6])
@pytest.mark.parametrize("depth", [8, 16])
def test_writes_exactly_the_pixels_of_a_png(colour: int, depth: int) -> None:
    channels = {0: (), 2: (3,), 6: (4,)}[colour]
    samples = np.random.default_rng(3).integers(0, 2**depth, (9, 7, *channels), f"u{depth // 8}")
    photo = decode(image_files.png(samples, depth=depth, colour=colour))
    written = IMAGES.encode(photo)
    assert np.array_equal(decode(written).stored, photo.stored)
    header = image_files.png_chunks(written)[0][1]
    assert header[8:10] == bytes([depth, colour])


def test_writes_exactly_the_pixels_of_a_bitmap() -> None:
    data = image_files.save(image_files.photo(), "BMP")
    written = IMAGES.encode(decode(data))
    assert np.array_equal(pillow(written, "RGB"), np.asarray(image_files.photo()))
    assert struct.unpack_from("<H", written, 28) == (24,)


def test_writes_the_transparency_of_a_bitmap() -> None:
    items = np.random.default_rng(4).integers(0, 2**32, (5, 7), np.uint32)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    rows = image_files.bmp_rows(items)
    data = image_files.bmp((7, 5), 32, rows, header_bytes=108, compression=3, masks=masks)
    photo = decode(data)
    written = IMAGES.encode(photo)
    assert struct.unpack_from("<H", written, 28) == (32,)
    assert np.array_equal(decode(written).stored, photo.stored)


def test_names_what_a_format_cannot_hold() -> None:
    wide = np.zeros((1, 70_000, 3), np.uint8)
    with pytest.raises(ValueError, match="jpg"):
        IMAGES.encode(replace(decode(jpeg()), stored=wide))


def stuffed_jpeg() -> bytes:
    """Return a JPEG with a secret in every possible place."""
    thumbnail = with_comment(image_files.save(image_files.photo().resize((20, 15)), "JPEG"))
    segment = image_files.jpeg_segment
    return (
        image_files.with_jpeg_segments(
            jpeg(),
            segment(0xE0, b"JFXX\0\x10" + thumbnail),
            segment(0xE1, b"Exif\0\0" + image_files.exif_block(6, more=SECRET + thumbnail)),
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET),
            segment(0xE2, b"ICC_PROFILE\0\1\1" + SECRET),
            segment(0xE2, b"MPF\0II*\0" + SECRET),
            segment(0xEB, b"JP\0\1" + SECRET),
            segment(0xED, b"Photoshop 3.0\x008BIM" + SECRET),
            segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET),
            segment(0xEF, SECRET),
            segment(0xFE, SECRET),
        )
        + SECRET
    )


def with_comment(data: bytes) -> bytes:
    return image_files.with_jpeg_segments(data, image_files.jpeg_segment(0xFE, SECRET))


def stuffed_png() -> bytes:
    """Return a PNG with a secret in every possible place."""
    chunk = image_files.png_chunk
    compressed = zlib.compress(SECRET, 0)
    data = image_files.with_png_chunks(
        image_files.save(image_files.photo(), "PNG"),
        chunk(b"iCCP", SECRET + b"\0\0" + compressed),
        chunk(b"eXIf", image_files.exif_block(6, more=SECRET)),
        chunk(b"tEXt", b"Comment\0" + SECRET),
        chunk(b"zTXt", b"Comment\0\0" + compressed),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET),
        chunk(b"tIME", SECRET[:7]),
        chunk(b"prVt", SECRET),
    )
    return data[:-12] + chunk(b"tEXt", b"Author\0" + SECRET) + data[-12:] + SECRET


def stuffed_bmp() -> bytes:
    """Return a BMP with a secret between header and pixels, and after them."""
    rows = image_files.bmp_rows(np.asarray(image_files.photo())[..., ::-1])
    size = image_files.photo().size
    return image_files.bmp(size, 24, rows, palette=SECRET, header_bytes=124) + SECRET


@pytest.mark.parametrize(
    ("pillow_format", "stuff"), [("JPEG", stuffed_jpeg), ("PNG", stuffed_png), ("BMP", stuffed_bmp)]
)
def test_no_metadata_is_written(pillow_format: str, stuff: Callable[[], bytes]) -> None:
    plain = image_files.save(image_files.photo(), pillow_format)
    data = stuff()
    assert SECRET in data
    photo = decode(data)
    written = IMAGES.encode(photo)
    assert SECRET[:7] not in written
    assert np.array_equal(photo.stored, decode(plain).stored)


def test_writes_only_the_necessary_segments_of_a_jpeg() -> None:
    again: Any = image_files.open_again(IMAGES.encode(decode(stuffed_jpeg())))
    assert [name for name, _ in again.applist] == ["APP0", "APP1"]
    assert again.info["exif"] == b"Exif\0\0" + image_files.exif_block(6)


def test_writes_only_the_necessary_chunks_of_a_png() -> None:
    chunks = image_files.png_chunks(IMAGES.encode(decode(stuffed_png())))
    assert {kind for kind, _ in chunks} == {b"IHDR", b"eXIf", b"IDAT", b"IEND"}
    assert dict(chunks)[b"eXIf"] == image_files.exif_block(6)


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_writes_the_requested_format(image_format: ImageFormat) -> None:
    photo = replace(decode(jpeg()), format=image_format)
    assert decode(IMAGES.encode(photo)).format is image_format
