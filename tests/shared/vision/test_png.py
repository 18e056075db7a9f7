import numpy as np
import pytest
from PIL import Image, ImageOps

from shared.core.errors import CorruptImageError
from shared.vision import png
from shared.vision.image import CvImageCodec
from tests import image_files
from tests.image_files import difference, pillow

IMAGES = CvImageCodec(max_pixels=1_000_000)


def file() -> bytes:
    return image_files.save(image_files.photo(), "PNG")


def test_reads_the_size() -> None:
    header = png.read_header(file())
    assert (header.width, header.height) == image_files.photo().size
    assert header.orientation is None
    assert header.quality is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_reads_the_orientation(orientation: int) -> None:
    exif = image_files.png_chunk(b"eXIf", image_files.exif_block(orientation))
    assert png.read_header(image_files.with_png_chunks(file(), exif)).orientation == orientation


def test_reads_an_orientation_after_the_pixels() -> None:
    exif = image_files.png_chunk(b"eXIf", image_files.exif_block(6))
    data = file()
    assert png.read_header(data[:-12] + exif + data[-12:]).orientation == 6


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (2**31, 1), (1, 2**32 - 1)])
def test_refuses_an_impossible_size(size: tuple[int, int]) -> None:
    with pytest.raises(CorruptImageError):
        png.read_header(image_files.png_header(*size))


@pytest.mark.parametrize(
    "data",
    [
        image_files.PNG_SIGNATURE,
        image_files.PNG_SIGNATURE + image_files.png_chunk(b"IHDR", b"short"),
        image_files.PNG_SIGNATURE + image_files.png_chunk(b"CgBI", bytes(4)) + file()[8:],
    ],
    ids=["nothing", "short", "apple"],
)
def test_refuses_a_file_that_does_not_begin_with_its_header(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        png.read_header(data)


def test_keeps_a_plain_file_unchanged() -> None:
    assert png.pixel_data(file()) == file()


def test_removes_everything_but_the_pixels() -> None:
    kinds = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"acTL", b"fcTL", b"prVt")
    extra = [image_files.png_chunk(kind, b"something") for kind in kinds]
    assert png.pixel_data(image_files.with_png_chunks(file(), *extra) + b"trailing") == file()


def test_keeps_palette_and_transparency() -> None:
    data = image_files.save(image_files.photo().quantize(16), "PNG", transparency=3)
    kinds = [kind for kind, _ in image_files.png_chunks(png.pixel_data(data))]
    assert kinds == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]


def test_refuses_every_truncated_file() -> None:
    data = image_files.save(image_files.photo().convert("L").resize((20, 15)), "PNG")
    for length in range(8, len(data)):
        with pytest.raises(CorruptImageError):
            png.pixel_data(data[:length])


def test_refuses_too_many_chunks() -> None:
    data = image_files.with_png_chunks(file(), image_files.png_chunk(b"IDAT", b"") * 200_000)
    with pytest.raises(CorruptImageError):
        png.pixel_data(data)


def test_refuses_a_chunk_longer_than_the_file() -> None:
    data = file()
    with pytest.raises(CorruptImageError):
        png.pixel_data(data[:33] + b"\x7f\xff\xff\xff" + data[37:])


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_decodes_grey_of_a_few_bits(depth: int) -> None:
    samples = (np.arange(7 * 19).reshape(7, 19) % 2**depth).astype(np.uint8)
    photo = IMAGES.decode(image_files.png(samples, depth=depth, colour=0))
    assert difference(photo.stored, samples * (255 // (2**depth - 1))) == 0


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_reads_a_palette(depth: int) -> None:
    data = image_files.save(image_files.photo().quantize(2**depth), "PNG", bits=depth)
    assert difference(IMAGES.decode(data).stored, pillow(data, "RGB")) == 0


@pytest.mark.parametrize("transparency", [3, bytes(range(0, 256, 16))], ids=["one", "each"])
def test_reads_a_palette_with_transparency(transparency: int | bytes) -> None:
    palette = image_files.photo().quantize(16)
    data = image_files.save(palette, "PNG", transparency=transparency)
    assert difference(IMAGES.decode(data).stored, pillow(data, "RGBA")) == 0


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_keeps_transparency_and_detects_through_it(mode: str) -> None:
    transparent = image_files.photo().convert(mode)
    transparent.putalpha(Image.linear_gradient("L").resize(transparent.size))
    data = image_files.save(transparent, "PNG")
    photo = IMAGES.decode(data)
    assert difference(photo.stored, pillow(data, "RGBA")) == 0
    assert difference(photo.upright_bgr, pillow(data, "RGBA")[..., :3]) == 0


@pytest.mark.parametrize(("colour", "channels"), [(0, ()), (2, (3,)), (6, (4,))])
def test_keeps_16_bits(colour: int, channels: tuple[int, ...]) -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (31, 17, *channels), np.uint16)
    photo = IMAGES.decode(image_files.png(samples, depth=16, colour=colour))
    assert photo.stored.dtype == np.uint16
    assert difference(photo.stored, samples) == 0
    shown = samples[..., :3] if channels else np.dstack([samples] * 3)
    assert difference(photo.upright_bgr, np.rint(shown / 257)) == 0


@pytest.mark.parametrize("default_image", [False, True])
def test_reads_the_first_frame_of_an_animation(default_image: bool) -> None:
    others = [ImageOps.mirror(image_files.photo()), ImageOps.flip(image_files.photo())]
    data = image_files.save(
        image_files.photo(), "PNG", save_all=True, append_images=others, default_image=default_image
    )
    assert b"acTL" in data
    assert difference(IMAGES.decode(data).stored, np.asarray(image_files.photo())) == 0
