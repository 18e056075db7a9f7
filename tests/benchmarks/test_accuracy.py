from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import Described
from benchmarks.pairs import Pairs
from shared.core.models import Box, Face, ImageFormat, Photo

LANDMARKS = ((0.0, 0.0),) * 5


def face(*corners: float) -> Face:
    return Face(Box(*corners), 0.9, LANDMARKS)


def test_the_face_nearest_the_centre_is_meant_however_small() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    photo = Photo(pixels, pixels, 1, False, ImageFormat.PNG, None)
    large, small = face(0, 0, 140, 180), face(140, 100, 150, 110)

    assert accuracy.most_central(photo, (large, small)) is small


def test_pairs_of_a_photo_without_a_face_count_as_different() -> None:
    one, other = np.eye(2)
    described = Described(
        vectors=np.array([one, one, other, other, (np.nan, np.nan)]), ms=np.ones(5)
    )
    data = Pairs(
        folder=Path(),
        files=("a", "b", "c", "d", "e"),
        first=np.array([0, 2, 0, 1, 0, 0]),
        second=np.array([1, 3, 4, 4, 2, 3]),
        same=np.array([True, True, True, False, False, False]),
        folds=np.array([0, 1, 2, 0, 1, 2]),
    )

    figures = accuracy.judge(data, described, 0.5)

    assert figures.accuracy_at_threshold == pytest.approx((2 / 3 + 3 / 3) / 2)
    assert figures.threshold == 0.5
