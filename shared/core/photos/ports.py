"""Ports to images and face detection; `shared.vision` and `shared.fetch` implement them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.photos.models import DetectionProfile, Face, Photo, Pose


class ImageCodec(Protocol):
    """Reads and writes image files."""

    def decode(self, data: bytes) -> Photo:
        """Return the first frame of an image file.

        Raises:
            UnsupportedImageError: the first bytes are not those of a supported format.
            TooManyPixelsError: the header announces more pixels than allowed.
            CorruptImageError: the file is truncated or broken.
        """

    def encode(self, photo: Photo) -> bytes:
        """Return `photo.stored` as a file of its format, without metadata but the orientation."""


class Detector(Protocol):
    """Detects faces."""

    def detect(
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first.

        A `threshold` of None means the default of the profile.
        """


class PoseEstimator(Protocol):
    """Estimates the directions of heads."""

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose per face."""


class ImageSource(Protocol):
    """Fetches images by URL."""

    def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL.

        Raises:
            ImageUrlError: the URL is not allowed, or the download failed.
            ImageTooLargeError: the file is larger than allowed.
            ImageDownloadTimeoutError: it did not arrive in time.
        """


@dataclass(frozen=True, slots=True)
class Vision:
    """The ports that read images and describe the faces in them."""

    codec: ImageCodec
    source: ImageSource
    detector: Detector
    poses: PoseEstimator
