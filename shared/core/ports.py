"""The roles that the rules need filled; adapters in `shared.vision` and `shared.storage` fill them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.core.models import ApiKey, DetectionScale, Face, HideMethod, Photo, Pose


class Images(Protocol):
    """Reads and writes image files."""

    def decode(self, data: bytes) -> Photo:
        """Return the first frame of an image file.

        Raises:
            UnsupportedImageError: the first bytes are of no format that is taken here.
            TooManyPixelsError: the header announces more pixels than are decoded (nothing was decoded).
            CorruptImageError: the file is truncated or broken.
        """

    def encode(self, photo: Photo) -> bytes:
        """Return `photo.stored` as a file of `photo.format`, with no metadata but an orientation tag."""


class Detector(Protocol):
    """Finds faces."""

    def detect(
        self, photo: Photo, *, scale: DetectionScale, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first; `threshold` None is the scale's own."""


class Masker(Protocol):
    """Hides faces."""

    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        """Return a copy of the photo in which the faces cannot be seen; the input stays as it is."""

    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        """Return a copy of the photo with a rectangle around each face."""


class Embedder(Protocol):
    """Turns faces into vectors that are near each other for one person."""

    model_version: str

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return one unit vector a face, float32 of shape (len(faces), 128)."""


class PoseEstimator(Protocol):
    """Says where heads point."""

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        """Return one pose a face."""


class Keys(Protocol):
    """API keys, known by the keyed hash of their text alone."""

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""

    def put(self, key: ApiKey) -> None:
        """Store the key; one with the same hash is replaced."""

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""

    def delete(self, key_hash: str) -> None:
        """Forget the key with this hash, if there is one."""
