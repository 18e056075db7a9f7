import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.reidentification import (
    Floats,
    Recognition,
    learn,
    rank,
    recognise,
    recognise_by_learning,
    summarise,
)

PEOPLE, PHOTOS, DIMENSIONS = 60, 3, 16


def unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def clean_vectors() -> tuple[Floats, NDArray[np.intp]]:
    """Return vectors of some photos of each of many people, and the person in each."""
    rng = np.random.default_rng(3)
    people = np.arange(PEOPLE).repeat(PHOTOS)
    centres = rng.normal(size=(PEOPLE, DIMENSIONS))
    return unit(centres[people] + rng.normal(scale=0.2, size=(len(people), DIMENSIONS))), people


def recognised(features: Floats, *, hidden_gallery: bool) -> Recognition:
    clean, people = clean_vectors()
    gallery = np.arange(PEOPLE) * PHOTOS
    return recognise_by_learning(
        features, clean, people, gallery, gallery + 1, hidden_gallery=hidden_gallery
    )


def test_the_rank_is_the_number_of_people_who_are_more_similar() -> None:
    gallery = np.eye(3)
    probes = unit(np.array([(3.0, 1, 2), (3, 2, 1), (3, 2, 1)]))

    assert rank(probes, gallery).tolist() == [0, 1, 2]


def test_among_equals_the_rank_is_halfway() -> None:
    assert rank(np.ones((5, 1)), np.ones((5, 1))).tolist() == [2] * 5


def test_counts_the_first_and_the_first_ten() -> None:
    figures = summarise(np.array([0, 0, 3, 9, 10, 40]), people=50)

    assert figures.rank_1.value == pytest.approx(2 / 6)
    assert figures.rank_10.value == pytest.approx(4 / 6)
    assert figures.rank_1.chance == pytest.approx(1 / 50)
    assert figures.rank_10.chance == pytest.approx(10 / 50)


def test_the_interval_is_wilsons() -> None:
    tenth = summarise(np.array([0] * 10 + [99] * 90), people=100).rank_1
    none = summarise(np.full(100, 99), people=100).rank_1

    assert tenth.low == pytest.approx(0.0552, abs=1e-4)
    assert tenth.high == pytest.approx(0.1744, abs=1e-4)
    assert none.low == 0
    assert none.high == pytest.approx(0.0370, abs=1e-4)


def test_vectors_of_the_same_person_find_each_other() -> None:
    clean, _ = clean_vectors()

    figures = recognise(clean[1::PHOTOS], clean[::PHOTOS])

    assert figures.rank_1.value > 0.95


@pytest.mark.parametrize("hidden_gallery", [False, True])
def test_an_attacker_learns_what_hiding_does(hidden_gallery: bool) -> None:
    clean, _ = clean_vectors()
    mixing = np.random.default_rng(4).normal(size=(DIMENSIONS, 2 * DIMENSIONS))

    figures = recognised(clean @ mixing + 7, hidden_gallery=hidden_gallery)

    assert figures.rank_1.value > 0.9
    assert figures.rank_1.chance == pytest.approx(2 / PEOPLE)


def test_an_attacker_learns_nothing_from_noise() -> None:
    noise = np.random.default_rng(5).normal(size=(PEOPLE * PHOTOS, 200))

    figures = recognised(noise, hidden_gallery=False)

    assert figures.rank_1.low < figures.rank_1.chance
    assert figures.rank_10.low < figures.rank_10.chance < figures.rank_10.high


def test_an_attacker_does_not_learn_from_the_people_to_recognise() -> None:
    _, people = clean_vectors()
    names = np.eye(PEOPLE)[people]

    assert recognised(names, hidden_gallery=False).rank_10.value < 0.6


def test_regression_ignores_constant_features() -> None:
    clean, _ = clean_vectors()
    constant = np.full((len(clean), 1), 5.0)

    with_constant = learn(np.hstack([clean, constant]), clean, np.hstack([clean, constant + 1]))

    assert with_constant == pytest.approx(learn(clean, clean, clean))
