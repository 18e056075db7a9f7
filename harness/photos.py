"""Real photos. They come with pinned packages; this repository contains none.

The photos of Barack Obama and Joe Biden are in the source distribution of face_recognition, that of
the astronaut Eileen Collins (NASA, public domain) in scikit-image.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from shared.config import ROOT
from shared.core.photos.models import ImageFormat, Photo

_CACHE = ROOT / ".cache" / "photos"
_REQUIREMENT = (
    "face_recognition==1.3.0"
    " --hash=sha256:5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
)
_FOLDER = "face_recognition-1.3.0/tests/test_images/"

TWO_PEOPLE = ("obama.jpg", "biden.jpg")


@cache
def load(name: str) -> bytes:
    """Return the bytes of a photo by its file name, such as `obama.jpg`."""
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


def pixels(name: str) -> NDArray[np.uint8]:
    """Return a photo by its file name, or the `astronaut`: BGR, uint8 of shape (H, W, 3)."""
    data = astronaut_jpeg() if name == "astronaut" else load(name)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def square(name: str, place: tuple[int, int, int], side: int) -> NDArray[np.uint8]:
    """Return a square of a photo, resized; `place` is its left, top and side in pixels."""
    left, top, length = place
    cut = pixels(name)[top : top + length, left : left + length]
    return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def turned(image: NDArray[Any], clockwise: float) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return an image rotated on a canvas that holds all of it, and the matrix that does it.

    `clockwise` is in degrees; the matrix, of shape (2, 3), maps points of the image to the canvas.
    """
    height, width = image.shape[:2]
    side = int(np.hypot(height, width))
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), -clockwise, 1), np.float64)
    matrix[:, 2] += np.array([side - width, side - height]) / 2
    return np.asarray(cv2.warpAffine(image, matrix, (side, side)), np.uint8), matrix


def decoded(image: NDArray[Any]) -> Photo:
    """Return BGR pixels as a decoded, read-only photo."""
    bgr = np.array(image, np.uint8, order="C")
    bgr.flags.writeable = False
    return Photo(bgr, bgr, 1, has_orientation=False, format=ImageFormat.PNG, quality=None)


def side_by_side(*names: str, height: int = 600) -> bytes:
    """Return one PNG of several photos next to each other, all of this height in pixels."""
    parts = []
    for name in names:
        image = pixels(name)
        scale = height / image.shape[0]
        parts.append(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
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
                    path = _CACHE / Path(member.name).name
                    partial = path.with_suffix(f".{os.getpid()}")  # others may fetch, too
                    partial.write_bytes(content.read())
                    partial.rename(path)
