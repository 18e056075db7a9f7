import itertools
import struct

import numpy as np
import pytest

from shared.core.errors import CorruptImageError, TooManyPixelsError
from shared.vision import bmp
from shared.vision.image import CvImageCodec
from tests import image_files
from tests.image_files import difference, pillow

IMAGES = CvImageCodec(max_pixels=1_000_000)


def file(**changes: int) -> bytes:
    """Return a BMP of 3x4 pixels with fields of its headers changed."""
    data = bytearray(image_files.bmp((3, 4), 24, bytes(48)))
    positions = {"position": 10, "header": 14, "width": 18, "height": 22, "compression": 30}
    for name, value in changes.items():
        data[positions[name] : positions[name] + 4] = struct.pack("<i", value)
    return bytes(data)


def test_reads_the_size() -> None:
    header = bmp.read_header(file())
    assert (header.width, header.height) == (3, 4)


def test_reads_the_size_of_a_file_with_the_top_row_first() -> None:
    assert bmp.read_header(file(height=-4)).height == 4


def test_reads_the_size_of_an_os2_file() -> None:
    header = bmp.read_header(image_files.bmp((3, 4), 24, bytes(48), header_bytes=12))
    assert (header.width, header.height) == (3, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"height": 0},
        {"width": -3},
        {"header": 41},
        {"header": 2**31 - 1},
        {"position": 0},
        {"position": 53},
        {"compression": 3},
        {"compression": 4},
    ],
    ids=str,
)
def test_refuses_an_impossible_header(changes: dict[str, int]) -> None:
    with pytest.raises(CorruptImageError):
        bmp.read_header(file(**changes))


@pytest.mark.parametrize("length", [2, 13, 17, 25, 37])
def test_refuses_a_file_that_ends_within_its_header(length: int) -> None:
    with pytest.raises(CorruptImageError):
        bmp.read_header(file()[:length])


def test_refuses_masks_without_a_colour() -> None:
    masks = (0xFF0000, 0, 0xFF)
    with pytest.raises(CorruptImageError):
        bmp.read_header(image_files.bmp((3, 4), 32, bytes(48), compression=3, masks=masks))


def test_refuses_a_compressed_file_with_the_top_row_first() -> None:
    data = image_files.bmp((3, -4), 8, b"\0\1", palette=bytes(1024), compression=1)
    with pytest.raises(CorruptImageError):
        bmp.read_header(data)


def test_the_lowest_possible_height_means_too_many_pixels() -> None:
    with pytest.raises(TooManyPixelsError):
        IMAGES.decode(file(height=-(2**31)))


def test_refuses_every_truncated_file() -> None:
    data = file()
    for length in range(54, len(data)):
        with pytest.raises(CorruptImageError):
            bmp.pixel_data(data[:length])


def test_refuses_a_truncated_compressed_file() -> None:
    data = image_files.bmp((3, 4), 8, b"\3\7\0\0" * 4, palette=bytes(1024), compression=1)
    assert bmp.pixel_data(data) == data
    with pytest.raises(CorruptImageError):
        bmp.pixel_data(data[:-1])


def test_keeps_a_plain_file_unchanged() -> None:
    assert bmp.pixel_data(file()) == file()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_decodes_bitmaps_of_pillow(mode: str) -> None:
    data = image_files.save(image_files.photo().convert(mode), "BMP")
    photo = IMAGES.decode(data)
    assert difference(photo.upright_bgr, pillow(data, "RGB")) == 0


@pytest.mark.parametrize("depth", [1, 4, 8])
@pytest.mark.parametrize("header_bytes", [12, 40, 108])
def test_reads_a_bitmap_with_a_palette(depth: int, header_bytes: int) -> None:
    quantized = image_files.photo().quantize(2**depth)
    indices = np.asarray(quantized)
    colours = np.array(quantized.getpalette("RGB"), np.uint8).reshape(-1, 3)
    colours = np.resize(colours, (2**depth, 3))
    entry_bytes = 3 if header_bytes == 12 else 4
    palette = np.zeros((2**depth, entry_bytes), np.uint8)
    palette[:, :3] = colours[:, ::-1]
    bits = np.unpackbits(indices[..., None], axis=2)[..., 8 - depth :]
    rows = np.packbits(bits.reshape(len(indices), -1), axis=1)
    data = image_files.bmp(
        quantized.size,
        depth,
        image_files.bmp_rows(rows),
        palette=palette.tobytes(),
        header_bytes=header_bytes,
    )
    assert difference(IMAGES.decode(data).stored, colours[indices]) == 0


@pytest.mark.parametrize("header_bytes", [12, 40, 64, 108, 124])
def test_reads_a_bitmap_of_24_bits(header_bytes: int) -> None:
    pixels = np.asarray(image_files.photo())
    rows = image_files.bmp_rows(pixels[..., ::-1])
    data = image_files.bmp(image_files.photo().size, 24, rows, header_bytes=header_bytes)
    assert difference(IMAGES.decode(data).stored, pixels) == 0


def test_reads_a_bitmap_with_the_top_row_first() -> None:
    pixels = np.asarray(image_files.photo())
    width, height = image_files.photo().size
    data = image_files.bmp((width, -height), 24, image_files.bmp_rows(pixels[::-1, :, ::-1]))
    assert difference(IMAGES.decode(data).stored, pixels) == 0


@pytest.mark.parametrize(
    ("masks", "header_bytes", "compression"),
    [
        ((0x7C00, 0x03E0, 0x001F), 40, 0),
        ((0x7C00, 0x03E0, 0x001F), 40, 3),
        ((0xF800, 0x07E0, 0x001F), 40, 3),
        ((0xF800, 0x07E0, 0x001F, 0), 124, 3),
        ((0x0F00, 0x00F0, 0x000F, 0xF000), 108, 3),
        ((0xFF0000, 0xFF00, 0xFF), 40, 0),
        ((0xFF0000, 0xFF00, 0xFF), 40, 3),
        ((0xFF, 0xFF00, 0xFF0000), 40, 3),
        ((0xFF0000, 0xFF00, 0xFF), 52, 3),
        ((0xFF0000, 0xFF00, 0xFF, 0), 108, 3),
        ((0xFF0000, 0xFF00, 0xFF, 0xFF000000), 56, 3),
        ((0xFF, 0xFF00, 0xFF0000, 0xFF000000), 124, 3),
        ((0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000), 108, 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("top_down", [False, True])
def test_reads_the_bits_of_each_colour(
    masks: tuple[int, ...], header_bytes: int, compression: int, top_down: bool
) -> None:
    depth = 16 if max(masks) < 2**16 else 32
    items = np.random.default_rng(2).integers(0, 2**depth, (5, 7), f"u{depth // 8}")
    rows = image_files.bmp_rows(items[::-1] if top_down else items)
    data = image_files.bmp(
        (7, -5 if top_down else 5),
        depth,
        rows,
        header_bytes=header_bytes,
        compression=compression,
        masks=masks if compression else (),
    )
    shown = [mask for mask in masks if mask]
    expected = [np.rint((items & m) // (m & -m) * (255 / (m // (m & -m)))) for m in shown]
    assert difference(IMAGES.decode(data).stored, np.dstack(expected)) == 0


@pytest.mark.parametrize("depth", [4, 8])
def test_reads_run_lengths(depth: int) -> None:
    quantized = image_files.photo().quantize(2**depth)
    indices = np.asarray(quantized)
    colours = np.resize(np.array(quantized.getpalette("RGB"), np.uint8), (2**depth, 3))
    runs = b""
    for row in indices[::-1].tolist():
        for index, run in itertools.groupby(row):
            byte = index << 4 | index if depth == 4 else index
            runs += bytes([len(list(run)), byte])
        runs += b"\0\0"
    data = image_files.bmp(
        quantized.size,
        depth,
        runs + b"\0\1",
        palette=b"".join(bytes([*colour[::-1], 0]) for colour in colours),
        compression=1 if depth == 8 else 2,
    )
    assert difference(IMAGES.decode(data).stored, colours[indices]) == 0
