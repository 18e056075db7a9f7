from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import Described
from benchmarks.pairs import Pairs
from shared.core.photos.models import Box, Face, ImageFormat, Photo

LANDMARKS = ((0.0, 0.0),) * 5
ONE, OTHER, NEAR_OTHER, NONE = (1.0, 0.0), (0.0, 1.0), (0.6, 0.8), (np.nan, np.nan)
DATA = Pairs(
    folder=Path(),
    files=("a", "b", "c", "d", "e"),
    first=np.array([0, 2, 0, 1, 0, 0]),
    second=np.array([1, 3, 4, 4, 2, 3]),
    same=np.array([True, True, True, False, False, False]),
    folds=np.array([0, 1, 2, 0, 1, 2]),
)


def face(*corners: float) -> Face:
    return Face(Box(*corners), 0.9, LANDMARKS)


def described(*vectors: tuple[float, float]) -> Described:
    return Described(vectors=np.array(vectors), ms=np.ones(len(vectors)))


def test_the_face_nearest_the_centre_is_meant_however_small() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    photo = Photo(pixels, pixels, 1, False, ImageFormat.PNG, None)
    large, small = face(0, 0, 140, 180), face(140, 100, 150, 110)

    assert accuracy.most_central(photo, (large, small)) is small


def test_pairs_of_a_photo_without_a_face_count_as_different() -> None:
    seen = described(ONE, ONE, OTHER, OTHER, NONE)

    by_cosine = accuracy.judge(DATA, seen, 0.5)
    by_distance = accuracy.judge_by_distance(DATA, seen, 0.5)

    assert by_cosine.accuracy_at_threshold == pytest.approx((2 / 3 + 3 / 3) / 2)
    assert by_distance.accuracy_at_threshold == pytest.approx((2 / 3 + 3 / 3) / 2)


def test_thresholds_are_cosines() -> None:
    figures = accuracy.judge(DATA, described(ONE, ONE, NEAR_OTHER, OTHER, NONE), 0.7)

    assert figures.threshold == pytest.approx(0.7)
    assert figures.accuracy_at_threshold == pytest.approx((2 / 3 + 3 / 3) / 2)
    assert figures.best_threshold == pytest.approx((0.6 + 0.8) / 2)


def test_thresholds_of_a_peer_are_distances() -> None:
    figures = accuracy.judge_by_distance(DATA, described(ONE, ONE, OTHER, OTHER, NONE), 1.5)

    assert figures.threshold == 1.5
    assert figures.best_threshold == pytest.approx(2**0.5 / 2)
