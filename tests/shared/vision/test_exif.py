import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.vision import exif
from tests import image_files


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_reads_the_orientation_in_both_byte_orders(orientation: int, byte_order: str) -> None:
    block = image_files.exif_block(orientation, byte_order=byte_order)
    assert exif.read_orientation(block) == orientation


def test_reads_the_orientation_among_other_tags() -> None:
    tags = Image.Exif()
    tags[0x010F] = "a camera"
    tags[0x0112] = 8
    tags[0x0132] = "2026:01:02 03:04:05"
    assert exif.read_orientation(tags.tobytes()[6:]) == 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_reads_what_it_writes(orientation: int) -> None:
    assert exif.read_orientation(exif.orientation_block(orientation)) == orientation


def test_pillow_reads_nothing_else_in_what_it_writes() -> None:
    tags = Image.Exif()
    tags.load(b"Exif\0\0" + exif.orientation_block(5))
    assert dict(tags) == {0x0112: 5}


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_outside_1_to_8_is_ignored(orientation: int) -> None:
    assert exif.read_orientation(image_files.exif_block(orientation)) is None


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"MM",
        b"XX\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
        b"MM\0+\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\xf0\xff\xff\xff",
        struct.pack(">2sHIH", b"MM", 42, 8, 65535),
        exif.orientation_block(6)[:-8],
    ],
    ids=["empty", "short", "order", "magic", "offset", "offset-le", "entries", "cut"],
)
def test_finds_no_orientation_in_a_broken_block(block: bytes) -> None:
    assert exif.read_orientation(block) is None


def test_a_directory_that_refers_to_itself_ends() -> None:
    block = struct.pack(">2sHIHHHII", b"MM", 42, 8, 1, 0x010F, 3, 1, 0) + struct.pack(">I", 8)
    assert exif.read_orientation(block) is None


@given(st.sampled_from([b"MM\0*", b"II*\0"]), st.binary(max_size=200))
def test_no_block_raises_an_error(start: bytes, rest: bytes) -> None:
    assert exif.read_orientation(start + rest) in {None, *range(1, 9)}
