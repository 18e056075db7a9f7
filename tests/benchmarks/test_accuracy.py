from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.pairs import Pairs

ONE, OTHER, NEAR_OTHER, NONE = (1.0, 0.0), (0.0, 1.0), (0.6, 0.8), (np.nan, np.nan)
DATA = Pairs(
    folder=Path(),
    files=("a", "b", "c", "d", "e"),
    first=np.array([0, 2, 0, 1, 0, 0]),
    second=np.array([1, 3, 4, 4, 2, 3]),
    same=np.array([True, True, True, False, False, False]),
    folds=np.array([0, 1, 2, 0, 1, 2]),
)


def test_a_pair_without_a_vector_counts_as_different() -> None:
    vectors = np.array([ONE, ONE, OTHER, OTHER, NONE])

    for distances in (
        accuracy.cosine_distances(DATA, vectors),
        accuracy.euclidean_distances(DATA, vectors),
    ):
        figures = accuracy.judge(DATA, distances, 0.5)
        assert figures.accuracy_at_threshold == pytest.approx((2 / 3 + 3 / 3) / 2)


def test_a_cosine_is_accepted_from_the_threshold_on() -> None:
    distances = accuracy.cosine_distances(DATA, np.array([ONE, ONE, NEAR_OTHER, OTHER, NONE]))

    assert distances[1] == pytest.approx(1 - 0.8)
    assert accuracy.judge(DATA, distances, 1 - 0.7).accuracy_at_threshold == pytest.approx(5 / 6)
    assert accuracy.judge(DATA, distances, 1 - 0.9).accuracy_at_threshold == pytest.approx(4 / 6)


def test_vectors_at_right_angles_are_the_root_of_two_apart() -> None:
    distances = accuracy.euclidean_distances(DATA, np.array([ONE, ONE, OTHER, OTHER, NONE]))

    assert distances[[0, 4]].tolist() == pytest.approx([0, 2**0.5])
