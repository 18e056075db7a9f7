"""Finds faces: a coarse look at the whole photo, then closer looks where small faces may be.

The network finds faces of about 20 to 350 pixels, and its time goes with the pixels it sees. So the
photo is first seen whole, at two small scales. A face too small for them still leaves a weak peak in
the heatmap: the most promising ones are looked at again at the photo's own scale, in small windows,
and for as long as that brings faces to light.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from shared.core.models import Box, DetectionScale, Face, Photo
from shared.vision.candidates import SAME_FACE, Candidates, Floats, choose, join, overlap
from shared.vision.centerface import CenterFace
from shared.vision.session import Session
from shared.vision.windows import Image, bands, cover, look, place, resize


@dataclass(frozen=True, slots=True)
class _Policy:
    """How thoroughly to look.

    Attributes:
        threshold: the least score of a face.
        most_pixels: of the coarse look at a large photo.
        looks_closer: whether small faces are searched for, and doubtful ones looked at twice.

    """

    threshold: float
    most_pixels: int
    looks_closer: bool


_COARSE_PIXELS = 672 * 378  # of the coarse look at a Full HD photo, and at smaller ones
_POLICIES = {
    DetectionScale.RECOGNITION: _Policy(0.5, _COARSE_PIXELS, looks_closer=False),
    DetectionScale.THOROUGH: _Policy(0.2, 4 * _COARSE_PIXELS, looks_closer=True),
}

_REDUCTION = 20 / 7  # from closer looks to the coarse one, where a face of 20 pixels just shows
_OVERVIEW = 1 / 3  # of the coarse look's scale, for faces that fill the photo
_OVERVIEW_HEIGHT = 40  # pixels; the coarse look sees smaller ones better
_LONGEST = 8192  # pixels that the network sees in one direction
_SMALL_PHOTO = 192  # pixels of the longer side that smaller photos are enlarged to,
_MOST_ENLARGED = 3  # but not by more than this

_FAINTEST = 0.004  # the score of a peak that may be a small face
_PROMISING = 0.02  # promise of peaks of which many are one
_SMALLEST = 11  # pixels; faces smaller than this seem as large
_SMALL = 24  # pixels; larger faces have been seen well enough
_SURE = 0.4  # the score of what needs no further look

_WINDOW = 96  # pixels of a closer look in each direction
_REACH = 20  # pixels from the middle of a window to faces that have their surroundings in it
_ROUND = 16  # windows that are looked at together
_DENSE = 0.7  # of a photo's pixels: when windows hold more, all of it is looked at
_BAND_PIXELS = 1920 * 1088  # of one look at a part of it
_BAND_OVERLAP = 64  # pixels

_SECOND_LOOKS = 16  # at most; the largest doubtful faces get one
_SECOND_WINDOW = 128  # pixels in each direction,
_SECOND_HEIGHT = 28  # in which the face has this height
_NO_FACE = 0.12  # what scores less at the second look is none


class CenterFaceDetector:
    """Fills the port `Detector`."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network `centerface`."""
        self._network = CenterFace(session)

    def detect(
        self, photo: Photo, *, scale: DetectionScale, threshold: float | None = None
    ) -> tuple[Face, ...]:
        """Return the faces of the upright image, largest first.

        Args:
            photo: of any size.
            scale: how thoroughly to look.
            threshold: the least score of a face, 0..1; None is the scale's own.

        """
        policy = _POLICIES[scale]
        least = policy.threshold if threshold is None else threshold
        image = photo.upright_bgr
        zoom = _coarse_zoom(image, policy)
        peaks = self._glance(image, zoom, min(least, _FAINTEST) if policy.looks_closer else least)
        found = peaks.above(least)
        if policy.looks_closer:
            found = self._look_closer(image, peaks, min(1.0, zoom * _REDUCTION), least)
            found = self._look_twice(image, choose(found))
        return _as_faces(found, photo.upright_size)

    def _glance(self, image: Image, zoom: float, threshold: float) -> Candidates:
        """Return what the whole photo shows at the coarse scale, and what fills it."""
        coarse = _zoomed(image, zoom)
        overview = _zoomed(coarse, _OVERVIEW)
        small = self._see(coarse, image, threshold)
        large = self._see(overview, image, threshold)
        return join([small, large.take(large.seen_heights >= _OVERVIEW_HEIGHT)])

    def _see(self, zoomed: Image, image: Image, threshold: float) -> Candidates:
        (found,) = self._network.find([zoomed], threshold)
        scale = image.shape[1] / zoomed.shape[1], image.shape[0] / zoomed.shape[0]
        return found.mapped(scale, (0, 0))

    def _look_closer(
        self, image: Image, peaks: Candidates, zoom: float, least: float
    ) -> Candidates:
        """Return the faces among the peaks, and those in windows around small ones.

        Args:
            image: the photo.
            peaks: what the whole photo shows, however faint.
            zoom: of the windows.
            least: the least score of a face.

        """
        found = peaks.above(least)
        seeds, promising = _seeds(peaks, least)
        middles = cover(seeds.centres, _REACH / zoom)
        for number, batch in enumerate(_batches(middles)):
            left = promising - number * _ROUND
            if number and left * _WINDOW**2 > _DENSE * _pixels(image) * zoom**2:
                return join([found, *self._look_everywhere(image, zoom, least)])
            windows = [place(middle, _WINDOW / zoom, image) for middle in batch]
            seen = look(self._network, image, windows, (_WINDOW, _WINDOW), least)
            before, found = found, join([found, *seen])
            if _count_sure(found) <= _count_sure(before):
                break
        return found

    def _look_everywhere(self, image: Image, zoom: float, least: float) -> Iterator[Candidates]:
        """Yield what is seen of the whole photo at the scale of closer looks, part by part."""
        width = round(image.shape[1] * zoom)
        height = _BAND_PIXELS // width
        for band in bands(image, round(height / zoom), round(_BAND_OVERLAP / zoom)):
            size = width, round(band.height * zoom)
            yield from look(self._network, image, [band], size, least)

    def _look_twice(self, image: Image, faces: Candidates) -> Candidates:
        """Return the faces without those that a second look shows to be none."""
        doubtful = np.flatnonzero(faces.scores < _SURE)
        doubtful = doubtful[np.argsort(-faces.heights[doubtful])][:_SECOND_LOOKS]
        if not len(doubtful):
            return faces
        sides = faces.heights[doubtful] / _SECOND_HEIGHT * _SECOND_WINDOW
        windows = [
            place(middle, float(side), image)
            for middle, side in zip(faces.centres[doubtful], sides, strict=True)
        ]
        seen = look(self._network, image, windows, (_SECOND_WINDOW, _SECOND_WINDOW), _NO_FACE)
        kept = np.ones(len(faces), bool)
        for index, candidates in zip(doubtful, seen, strict=True):
            kept[index] = bool((overlap(faces.boxes[index], candidates.boxes) > SAME_FACE).any())
        return faces.take(kept)


def _coarse_zoom(image: Image, policy: _Policy) -> float:
    longer = max(image.shape[:2])
    if longer < _SMALL_PHOTO:
        return min(_MOST_ENLARGED, _SMALL_PHOTO / longer)
    pixels = np.clip(_pixels(image) / _REDUCTION**2, _COARSE_PIXELS, policy.most_pixels)
    return min(1.0, float(np.sqrt(pixels / _pixels(image))), _LONGEST / longer)


def _pixels(image: Image) -> int:
    return image.shape[0] * image.shape[1]


def _zoomed(image: Image, zoom: float) -> Image:
    height, width = (max(1, round(side * zoom)) for side in image.shape[:2])
    return resize(image, width, height)


def _seeds(peaks: Candidates, least: float) -> tuple[Candidates, int]:
    """Return the peaks that may be small faces, the most promising first, and how many really are.

    A small face seems small and weak; a peak that seems larger should be stronger too.
    """
    small = peaks.seen_heights < _SMALL
    known = peaks.above(_SURE)
    sizes = known.boxes[:, 2:] - known.boxes[:, :2]
    offsets = np.abs(peaks.centres[:, np.newaxis] - known.centres)
    explained = (offsets < 0.6 * sizes).all(axis=2).any(axis=1)
    seeds = peaks.take(small & ~explained)
    promise = seeds.scores * np.exp((_SMALLEST - seeds.seen_heights) / 5)
    return seeds.take(np.argsort(-promise)), int((promise >= _PROMISING).sum())


def _batches(middles: Iterator[Floats]) -> Iterator[list[Floats]]:
    while batch := list(islice(middles, _ROUND)):
        yield batch


def _count_sure(candidates: Candidates) -> int:
    return len(choose(candidates.above(_SURE)))


def _as_faces(candidates: Candidates, size: tuple[int, int]) -> tuple[Face, ...]:
    """Return the candidates as faces with their boxes cut at the image's edges, largest first."""
    corners = candidates.boxes.astype(float).reshape(-1, 2, 2).clip(0, size).reshape(-1, 4)
    faces = [
        Face(Box(*corner), float(min(score, 1)), tuple(map(tuple, points)))  # type: ignore[arg-type]
        for corner, score, points in zip(
            corners.tolist(), candidates.scores, candidates.landmarks.tolist(), strict=True
        )
    ]
    visible = [face for face in faces if min(face.box.width, face.box.height) >= 1]
    return tuple(sorted(visible, key=lambda face: face.box.area, reverse=True))
