import base64
import struct
from typing import Any

import pytest
from PIL import Image

from harness import photos
from shared.core.errors import CorruptImageError
from shared.vision import jpeg
from shared.vision.headers import Header
from shared.vision.image import CvImageCodec
from tests import image_files
from tests.image_files import difference, pillow

IMAGES = CvImageCodec(max_pixels=4_000_000)

# 8x8 grey pixels, arithmetic-coded by libjpeg-turbo's jpegtran, which Pillow cannot write.
ARITHMETIC_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4"
    "UG1RV19iZ2hnPk1xeXBkeFxlZ2P/yQALCAAIAAgBAREA/8wABgAQEAX/2gAIAQEAAD8ArVByslNCiCs3pMvGl4cjyRD/"
    "2Q=="
)


def file(**options: Any) -> bytes:
    return image_files.save(image_files.photo(), "JPEG", **options)


def app1(block: bytes) -> bytes:
    return image_files.jpeg_segment(0xE1, b"Exif\0\0" + block)


def with_frame_field(data: bytes, offset: int, value: bytes) -> bytes:
    """Return a baseline JPEG with some bytes of its frame header changed."""
    position = data.index(b"\xff\xc0") + 4 + offset
    return data[:position] + value + data[position + len(value) :]


@pytest.mark.parametrize("progressive", [False, True])
def test_reads_the_size(progressive: bool) -> None:
    header = jpeg.read_header(file(progressive=progressive))
    assert (header.width, header.height) == image_files.photo().size


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 80, 85, 90, 95, 98, 100])
def test_estimates_the_quality_it_was_saved_with(quality: int) -> None:
    assert jpeg.read_header(file(quality=quality)).quality == quality


def test_estimates_the_quality_of_a_grey_photo() -> None:
    data = image_files.save(image_files.photo().convert("L"), "JPEG", quality=82)
    assert jpeg.read_header(data).quality == 82


def test_estimates_the_quality_from_tables_of_16_bits() -> None:
    data = file(quality=90)
    start = data.index(b"\xff\xdb")
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    entries = data[start + 5 : start + 69]
    wide = image_files.jpeg_segment(0xDB, b"\x10" + struct.pack(">64H", *entries))
    assert jpeg.read_header(data[:start] + wide + data[start + 2 + length :]).quality == 90


def test_a_file_without_tables_has_no_quality() -> None:
    data = file()
    while (start := data.find(b"\xff\xdb")) >= 0:
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        data = data[:start] + data[start + 2 + length :]
    assert jpeg.read_header(data) == Header(*image_files.photo().size)


def test_a_file_without_exif_has_no_orientation() -> None:
    assert jpeg.read_header(file()).orientation is None


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_reads_the_orientation(byte_order: str) -> None:
    block = image_files.exif_block(6, byte_order=byte_order)
    data = image_files.with_jpeg_segments(file(), app1(block))
    assert jpeg.read_header(data).orientation == 6


def test_finds_the_exif_after_other_application_data() -> None:
    xmp = image_files.jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
    data = image_files.with_jpeg_segments(file(), xmp, app1(image_files.exif_block(8)))
    assert jpeg.read_header(data).orientation == 8


def test_a_thumbnail_does_not_determine_the_size() -> None:
    thumbnail = image_files.save(image_files.photo().resize((16, 12)), "JPEG")
    block = image_files.exif_block(3, more=thumbnail)
    header = jpeg.read_header(image_files.with_jpeg_segments(file(), app1(block)))
    assert (header.width, header.height, header.orientation) == (*image_files.photo().size, 3)


def test_fill_bytes_and_lone_markers_are_skipped() -> None:
    data = image_files.with_jpeg_segments(file(), b"\xff\xff\xff\xff\x01")
    assert jpeg.read_header(data).width == image_files.photo().width


@pytest.mark.parametrize("offset", [1, 3], ids=["height", "width"])
def test_refuses_a_frame_without_pixels(offset: int) -> None:
    with pytest.raises(CorruptImageError):
        jpeg.read_header(with_frame_field(file(), offset, b"\0\0"))


@pytest.mark.parametrize(
    "data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xc0\0\x05\x08\0\x01"]
)
def test_refuses_a_file_without_a_frame(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        jpeg.read_header(data)


def test_keeps_a_plain_file_unchanged() -> None:
    assert jpeg.pixel_data(file()) == file()


def test_removes_the_metadata() -> None:
    plain = file()
    metadata = [image_files.jpeg_segment(marker, b"something") for marker in range(0xE1, 0xEE)]
    comment = image_files.jpeg_segment(0xFE, b"a comment")
    data = image_files.with_jpeg_segments(plain, *metadata, comment)
    assert jpeg.pixel_data(data) == plain


def test_removes_data_after_the_image() -> None:
    assert jpeg.pixel_data(file() + b"and a second one" + file()) == file()


def test_finds_the_end_after_restart_markers() -> None:
    data = file(restart_marker_blocks=1)
    assert b"\xff\xd3" in data
    assert jpeg.pixel_data(data) == data


def test_refuses_every_truncated_file() -> None:
    data = file(quality=30)
    for length in range(3, len(data)):
        with pytest.raises(CorruptImageError):
            jpeg.pixel_data(data[:length])


def test_refuses_thousands_of_scans() -> None:
    data = file(progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    assert jpeg.pixel_data(data[:-2] + 50 * last_scan + data[-2:])
    with pytest.raises(CorruptImageError):
        jpeg.pixel_data(data[:-2] + 1000 * last_scan + data[-2:])


def test_refuses_thousands_of_segments() -> None:
    segments = [image_files.jpeg_segment(0xFE, b"")] * 5000
    with pytest.raises(CorruptImageError):
        jpeg.pixel_data(image_files.with_jpeg_segments(file(), *segments))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"subsampling": "4:4:4"},
        {"subsampling": "4:2:2"},
        {"subsampling": "4:2:0"},
        {"restart_marker_blocks": 1},
        {"restart_marker_rows": 1},
        {"keep_rgb": True},
        {"quality": 5},
    ],
    ids=str,
)
def test_decodes_a_jpeg_like_pillow(options: dict[str, Any]) -> None:
    data = file(**options)
    assert difference(IMAGES.decode(data).stored, pillow(data, "RGB")) <= 1


def test_decodes_a_real_photo_like_pillow() -> None:
    data = photos.load("biden.jpg")
    assert difference(IMAGES.decode(data).stored, pillow(data, "RGB")) <= 1


def test_reads_a_grey_jpeg_as_grey() -> None:
    data = image_files.save(image_files.photo().convert("L"), "JPEG")
    photo = IMAGES.decode(data)
    assert difference(photo.stored, pillow(data, "L")) == 0
    assert difference(photo.upright_bgr, pillow(data, "RGB")) == 0


def test_reads_an_arithmetic_jpeg() -> None:
    assert difference(IMAGES.decode(ARITHMETIC_JPEG).stored, pillow(ARITHMETIC_JPEG, "L")) == 0


@pytest.mark.parametrize("transform", [0, 2], ids=["CMYK", "YCCK"])
def test_decodes_cmyk(transform: int) -> None:
    data = image_files.save(image_files.photo().convert("CMYK"), "JPEG", quality=95)
    position = data.index(b"Adobe") + 11
    data = data[:position] + bytes([transform]) + data[position + 1 :]
    assert difference(IMAGES.decode(data).stored, pillow(data, "RGB")) <= 1


def test_decodes_the_first_of_several_images() -> None:
    other = Image.new("RGB", (99, 99))
    data = image_files.save(image_files.photo(), "MPO", save_all=True, append_images=[other])
    assert b"MPF\0" in data
    assert difference(IMAGES.decode(data).stored, pillow(data, "RGB")) <= 1


def test_does_not_decode_the_thumbnail() -> None:
    thumbnail = image_files.save(image_files.photo().resize((20, 20)), "JPEG")
    block = b"Exif\0\0" + image_files.exif_block(1, more=thumbnail)
    data = image_files.with_jpeg_segments(file(), image_files.jpeg_segment(0xE1, block))
    assert IMAGES.decode(data).upright_size == image_files.photo().size
