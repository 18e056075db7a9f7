import pytest

from shared.core.photos.models import ImageFormat
from shared.vision import headers
from tests import image_files


@pytest.mark.parametrize(
    ("pillow_format", "expected"),
    [("JPEG", ImageFormat.JPEG), ("PNG", ImageFormat.PNG), ("BMP", ImageFormat.BMP)],
)
def test_recognises_a_format_by_its_first_bytes(pillow_format: str, expected: ImageFormat) -> None:
    data = image_files.save(image_files.photo(), pillow_format)
    assert headers.sniff(data) is expected
    assert headers.sniff(data[:8]) is expected


@pytest.mark.parametrize("pillow_format", ["GIF", "WEBP", "TIFF", "PPM", "ICO", "PDF", "JPEG2000"])
def test_does_not_recognise_other_formats(pillow_format: str) -> None:
    assert headers.sniff(image_files.save(image_files.photo(), pillow_format)) is None


@pytest.mark.parametrize("data", [b"", b"B", b"\xff\xd8", b"\x89PNG", b"<html>", b" BM", bytes(64)])
def test_does_not_recognise_other_data(data: bytes) -> None:
    assert headers.sniff(data) is None
