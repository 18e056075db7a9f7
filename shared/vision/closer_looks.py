"""Small faces: where they may be in a photo, and looking there until no more come to light.

A face too small for the coarse look leaves a weak peak in its heatmap. The most promising peaks are
looked at in windows at a larger scale, some at a time; when a round brings no sure face to light,
what is left is less promising still. The whole photo is looked at where windows would cost more,
and where they bring many more faces than peaks told of: those of a dense crowd share peaks.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from shared.vision.candidates import Candidates, Floats, concatenate, suppress_overlapping
from shared.vision.centerface import CenterFace
from shared.vision.windows import Image, count_pixels, look, place_window, split_into_bands

SURE = 0.4
"""A score that needs no further look."""

_WELL_SEEN = 16  # pixels; a sure face seen smaller may hide others beside it
_SMALL = 24  # pixels; larger faces show well enough in the coarse look
_SMALLEST = 11  # pixels; the network takes even smaller faces for this large
_PROMISING = 0.02  # the promise of peaks of which many are faces

_WINDOW = 128  # pixels in each direction
_REACH = 36  # pixels from a window's centre to where faces still have their surroundings in it
_ROUND = 9  # windows that are looked at together
_MERGED = 1.5  # new faces a window, from which on peaks do not tell of all faces
_DENSE = 0.7  # of the whole, that windows may cost
_BAND_PIXELS = 1920 * 1088  # of the whole that are looked at together; bounds the memory
_BAND_OVERLAP = 64  # pixels


def look_closer(
    network: CenterFace, photo: Image, peaks: Candidates, zoom: float, least: float
) -> Candidates:
    """Return the faces among the peaks of a coarse look, and those that closer looks show.

    Args:
        network: what looks.
        photo: shape (H, W, 3).
        peaks: what the coarse look shows, however faint, in the photo's frame.
        zoom: of the closer looks, at most 1.
        least: the least score of a face, 0..1.

    """
    found = peaks.above(least)
    seeds, promising = _rank_seeds(peaks)
    whole = count_pixels(photo) * zoom**2
    for centres in _batches(_cover(seeds.centres, _REACH / zoom)):
        windows = [place_window(centre, _WINDOW / zoom, photo) for centre in centres]
        seen = look(network, photo, windows, (_WINDOW, _WINDOW), least)
        before, found = found, concatenate([found, *seen])
        promising -= len(windows)
        brought = _count_sure(found) - _count_sure(before)
        if brought <= 0:
            break
        if brought > _MERGED * len(windows) or promising * _WINDOW**2 > _DENSE * whole:
            return concatenate([found, *_look_everywhere(network, photo, zoom, least)])
    return found


def _rank_seeds(peaks: Candidates) -> tuple[Candidates, int]:
    """Return the peaks that may be small faces, and how many of them are promising.

    The most promising come first: a small face shows faintly and as small, so a peak that seems
    larger has to be stronger. Peaks within a face that was seen well are none.
    """
    sure = peaks.take((peaks.scores >= SURE) & (peaks.seen_heights >= _WELL_SEEN))
    offsets = np.abs(peaks.centres[:, np.newaxis] - sure.centres)
    explained = (offsets < 0.6 * sure.sizes).all(axis=2).any(axis=1)
    seeds = peaks.take((peaks.seen_heights < _SMALL) & ~explained)
    promise = seeds.scores * np.exp((_SMALLEST - seeds.seen_heights) / 5)
    return seeds.take(np.argsort(-promise)), int((promise >= _PROMISING).sum())


def _cover(points: Floats, reach: float) -> Iterator[Floats]:
    """Yield centres of squares until every point is in one; the first points come first.

    Args:
        points: shape (N, 2).
        reach: half the side of the squares.

    """
    while len(points):
        near = points[np.abs(points - points[0]).max(axis=1) <= reach]
        centre = (near.min(axis=0) + near.max(axis=0)) / 2
        yield centre
        outside = np.abs(points - centre).max(axis=1) > reach
        outside[0] = False  # whatever the rounding: each square takes one point at least
        points = points[outside]


def _batches(centres: Iterator[Floats]) -> Iterator[list[Floats]]:
    while batch := list(islice(centres, _ROUND)):
        yield batch


def _count_sure(candidates: Candidates) -> int:
    return len(suppress_overlapping(candidates.above(SURE)))


def _look_everywhere(
    network: CenterFace, photo: Image, zoom: float, least: float
) -> Iterator[Candidates]:
    """Yield what the whole photo shows at a scale, band by band."""
    width = max(1, round(photo.shape[1] * zoom))
    height = max(2 * _BAND_OVERLAP, _BAND_PIXELS // width)
    bands = split_into_bands(photo, round(height / zoom), round(_BAND_OVERLAP / zoom))
    for band in bands:
        size = width, max(1, round(band.height * zoom))
        yield from look(network, photo, [band], size, least)
