"""The port to what hides faces; `shared.vision` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from shared.core.photos.models import Face, Photo


class HideMethod(StrEnum):
    """How a face is hidden; `docs/models.md` says how well each method protects people."""

    VEIL = "veil"
    SOLID = "solid"
    MOSAIC = "mosaic"
    BLUR = "blur"


class FaceRedactor(Protocol):
    """Hides faces."""

    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        """Return a copy of the photo in which the faces are hidden."""

    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        """Return a copy of the photo with a rectangle around each face."""
