"""Real photos for the tests; they come with pinned packages, none is in this repository.

The photos of Barack Obama and Joe Biden are in the source distribution of face_recognition, that of
the astronaut Eileen Collins (NASA, public domain) in scikit-image.
"""

import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from shared.config import ROOT

_CACHE = ROOT / ".cache" / "photos"
_REQUIREMENT = (
    "face_recognition==1.3.0"
    " --hash=sha256:5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
)
_FOLDER = "face_recognition-1.3.0/tests/test_images/"

TWO_PEOPLE = ("obama.jpg", "biden.jpg")


@cache
def load(name: str) -> bytes:
    """Return a photo by its file name, as `obama.jpg`."""
    path = _CACHE / name
    if not path.exists():
        _fetch()
    return path.read_bytes()


@cache
def astronaut_jpeg() -> bytes:
    """Return the astronaut as a JPEG of 512x512 pixels with one face."""
    image_bgr = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)  # type: ignore[no-untyped-call]
    encoded = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    return bytes(encoded.tobytes())


def side_by_side(*names: str, height: int = 600) -> bytes:
    """Return one PNG of several photos, each so many pixels high."""
    parts = []
    for name in names:
        pixels = cv2.imdecode(np.frombuffer(load(name), np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        scale = height / pixels.shape[0]
        parts.append(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return bytes(cv2.imencode(".png", np.hstack(parts))[1].tobytes())


def _fetch() -> None:
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(_REQUIREMENT, encoding="utf-8")
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:",
             "--require-hashes", "--dest", folder, "--requirement", str(requirements)],
            check=True,
        )  # fmt: skip
        (archive,) = Path(folder).glob("face_recognition-*.tar.gz")
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                if member.isfile() and member.name.startswith(_FOLDER):
                    content = tar.extractfile(member)
                    assert content is not None
                    partial = _CACHE / (Path(member.name).name + ".part")
                    partial.write_bytes(content.read())
                    partial.rename(partial.with_suffix(""))
