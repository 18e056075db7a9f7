import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import verification
from benchmarks.verification import Figures, Roc

SAME = np.array([True] * 4 + [False] * 5)
DISTANCES = np.array([0.1, 0.2, 0.3, np.inf, 0.25, 0.4, 0.5, 0.6, 0.7])

distance_lists = st.lists(
    st.integers(0, 40).map(lambda number: number / 20) | st.just(np.inf), min_size=1, max_size=30
)


def test_a_pair_without_a_vector_is_judged_different() -> None:
    assert verification.accuracy(DISTANCES, SAME, 1e9) == (3 / 4 + 0 / 5) / 2


def test_accuracy_weighs_both_kinds_equally() -> None:
    assert verification.accuracy(DISTANCES, SAME, 0.22) == (2 / 4 + 5 / 5) / 2


def test_a_distance_that_is_the_threshold_is_accepted() -> None:
    assert verification.accuracy(DISTANCES, SAME, 0.3) == (3 / 4 + 4 / 5) / 2


def test_the_best_threshold_is_halfway_to_the_next_distance() -> None:
    assert Roc.of(DISTANCES, SAME).best_threshold() == pytest.approx(0.35)


def test_the_true_accept_rate_is_at_the_last_threshold_within_the_limit() -> None:
    roc = Roc.of(DISTANCES, SAME)

    assert roc.at_far(0.19) == (2 / 4, 0.2)
    assert roc.at_far(0.20) == (3 / 4, 0.3)


def test_errors_are_equal_where_the_curves_cross() -> None:
    # 2 of 4 same ones refused beside 2 of 4 different ones accepted, at 0.3.
    same = np.array([True] * 4 + [False] * 4)
    distances = np.array([0.1, 0.2, 0.5, 0.6, 0.15, 0.3, 0.7, 0.8])

    assert Roc.of(distances, same).equal_error_rate() == pytest.approx(0.5)


def test_separate_pairs_are_distinguished_without_an_error() -> None:
    distances = np.concatenate([np.linspace(0.1, 0.4, 40), np.linspace(0.5, 0.9, 60)])
    same = distances < 0.45

    figures = Figures.of(distances, same, np.arange(100) % 10, threshold=0.45)

    assert figures.accuracy == figures.accuracy_at_threshold == 1
    assert figures.accuracy_error == figures.equal_error_rate == 0
    assert figures.tar_at_far_1_percent == figures.tar_at_far_01_percent == 1
    assert Roc.of(distances, same).best_threshold() == pytest.approx(0.45)


def test_equal_distances_are_right_half_the_time() -> None:
    figures = Figures.of(np.full(40, 0.5), np.arange(40) % 2 == 0, np.arange(40) // 4, 0.4)

    assert figures.accuracy == 0.5
    assert figures.equal_error_rate == pytest.approx(0.5)


def test_a_fold_is_judged_by_the_threshold_of_the_others() -> None:
    # The best threshold of the first fold is from 0.8 to 0.9, that of the second from 0.2 to 0.3.
    distances = np.array([0.8, 0.9, 0.2, 0.3])
    same = np.array([True, False, True, False])

    mean, error = verification.cross_validated_accuracy(distances, same, np.array([0, 0, 1, 1]))

    assert mean == 0.5
    assert error == 0


def test_the_accuracy_error_is_that_of_the_mean_over_folds() -> None:
    # The last of five folds is the wrong way round.
    distances = np.array([0.2, 0.3] * 4 + [0.3, 0.2])
    same = np.array([True, False] * 5)

    mean, error = verification.cross_validated_accuracy(distances, same, np.arange(10) // 2)

    assert mean == pytest.approx(4 / 5)
    assert error == pytest.approx(np.std([1, 1, 1, 1, 0], ddof=1) / np.sqrt(5))


@given(distance_lists, distance_lists, st.floats(0, 1))
def test_a_false_accept_rate_is_never_above_its_limit(
    same: list[float], different: list[float], limit: float
) -> None:
    tar, threshold = roc_of(same, different).at_far(limit)

    assert (np.array(different) <= threshold).mean() <= limit
    assert (np.array(same) <= threshold).mean() == tar


@given(distance_lists, distance_lists)
def test_no_threshold_is_better_than_the_best(same: list[float], different: list[float]) -> None:
    distances, are_same = joined(same, different)
    best = verification.accuracy(distances, are_same, Roc.of(distances, are_same).best_threshold())

    for threshold in [-1.0, *distances]:
        assert verification.accuracy(distances, are_same, threshold) <= best


def roc_of(same: list[float], different: list[float]) -> Roc:
    return Roc.of(*joined(same, different))


def joined(
    same: list[float], different: list[float]
) -> tuple[verification.Floats, verification.Bools]:
    are_same = np.array([True] * len(same) + [False] * len(different))
    return np.array([*same, *different], float), are_same
