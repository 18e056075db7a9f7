"""What reads photos and finds the faces in them; `shared.vision` and `shared.fetch` provide it."""

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
            UnsupportedImageError: the first bytes are of no format that is taken.
            TooManyPixelsError: the header announces more pixels than are decoded.
            CorruptImageError: the file is truncated or broken.
        """

    def encode(self, photo: Photo) -> bytes:
        """Return `photo.stored` as a file of its format, with an orientation tag at most."""


class Detector(Protocol):
    """Finds faces."""

    def detect(
        self, photo: Photo, *, profile: DetectionProfile, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first.

        A `threshold` of None is the profile's own.
        """


class PoseEstimator(Protocol):
    """Says where heads point."""

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face."""


class ImageSource(Protocol):
    """Fetches images that a caller names by URL."""

    def fetch(self, url: str) -> bytes:
        """Return what is at the URL.

        Raises:
            ImageUrlError: the URL is not one that is fetched, or nothing usable is there.
            ImageTooLargeError: there is more than is taken.
            ImageDownloadTimeoutError: it did not arrive in time.
        """


@dataclass(frozen=True, slots=True)
class Vision:
    """What reads images and describes the faces in them, for rules that need all of it."""

    codec: ImageCodec
    source: ImageSource
    detector: Detector
    poses: PoseEstimator
