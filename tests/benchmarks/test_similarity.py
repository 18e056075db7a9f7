import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import similarity
from benchmarks.similarity import Population

PEOPLE = np.array(["Ada", "Ada", "Bob", "Bob", "Cid"])
DEGREES = (0, 10, 60, 60, 90)


def at(degrees: tuple[int, ...]) -> NDArray[np.float64]:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def cosines(*degrees: int) -> list[float]:
    return sorted(float(np.cos(np.radians(angle))) for angle in degrees)


def normal(mean: float, count: int) -> NDArray[np.float64]:
    return np.random.default_rng(3).normal(mean, 0.09, count)


def test_every_photo_is_compared_with_every_other() -> None:
    population = Population(at(DEGREES), PEOPLE)

    assert population.same == pytest.approx(cosines(10, 0))
    assert population.different == pytest.approx(cosines(60, 60, 90, 50, 50, 80, 30, 30))


def test_a_photo_without_a_face_is_in_no_pair() -> None:
    vectors = at(DEGREES)
    vectors[4] = np.nan

    assert len(Population(vectors, PEOPLE).different) == 4


def test_counts_the_pairs_that_reach_a_cosine() -> None:
    false, true = Population(at(DEGREES), PEOPLE).rates(float(np.cos(np.radians(55))))

    assert (false.reached, false.pairs) == (4, 8)
    assert (true.reached, true.pairs) == (2, 2)


def test_the_interval_of_a_rate_comes_from_resampled_people() -> None:
    random = np.random.default_rng(5)
    people = np.repeat([f"person {number}" for number in range(60)], 2)
    vectors = random.normal(size=(120, 16))
    population = Population(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), people)

    false, true = population.rates(0.3)

    for rate in (false, true):
        assert rate.low < rate.share < rate.high
    assert false.high - false.low < true.high - true.low


def test_no_population_has_more_false_matches_than_a_knot_stands_for() -> None:
    everyone, east_asian = normal(0.1, 500_000), normal(0.15, 3000)

    knots = similarity.knots(everyone, east_asian)

    assert (knots[0], knots[-1]) == ((-1, 0), (1, 100))
    assert knots == sorted(knots)
    cosine_of = {value: cosine for cosine, value in knots}
    for value, rate in similarity.RATES.items():
        assert (everyone >= cosine_of[value]).mean() <= rate
        assert (normal(0.15, 500_000) >= cosine_of[value]).mean() <= rate * 1.2


def test_a_population_that_is_distinguished_better_changes_nothing() -> None:
    everyone = normal(0.1, 500_000)

    assert similarity.knots(everyone, normal(0.0, 3000)) == similarity.knots(everyone, everyone)


def test_without_such_people_everyone_decides() -> None:
    everyone = normal(0.1, 500_000)
    nobody = Population(np.empty((0, 2)), np.array([], np.str_))

    assert similarity.knots(everyone, nobody.different) == similarity.knots(everyone, everyone)
