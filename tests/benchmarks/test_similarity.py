"""The calibration that is read off pairs, on vectors made for it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import similarity
from benchmarks.similarity import Public

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
    public = Public(at(DEGREES), PEOPLE)

    assert public.same == pytest.approx(cosines(10, 0))
    assert public.different == pytest.approx(cosines(60, 60, 90, 50, 50, 80, 30, 30))


def test_a_photo_without_a_face_is_in_no_pair() -> None:
    vectors = at(DEGREES)
    vectors[4] = np.nan

    assert len(Public(vectors, PEOPLE).different) == 4


def test_counts_the_pairs_that_reach_a_cosine() -> None:
    false, true = Public(at(DEGREES), PEOPLE).rates(float(np.cos(np.radians(55))))

    assert (false.reached, false.pairs) == (4, 8)
    assert (true.reached, true.pairs) == (2, 2)


def test_the_interval_of_a_rate_is_of_people_drawn_anew() -> None:
    random = np.random.default_rng(5)
    people = np.repeat([f"person {number}" for number in range(60)], 2)
    vectors = random.normal(size=(120, 16))
    public = Public(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), people)

    false, true = public.rates(0.3)

    for rate in (false, true):
        assert rate.low < rate.value < rate.high
    assert false.high - false.low < true.high - true.low


def test_knots_stand_where_either_public_has_no_more_false_matches_than_said() -> None:
    everyone, east_asian = normal(0.1, 500_000), normal(0.15, 3000)

    knots = similarity.knots(everyone, east_asian)

    assert (knots[0], knots[-1]) == ((-1, 0), (1, 100))
    assert knots == sorted(knots)
    cosine_of = {value: cosine for cosine, value in knots}
    for value, rate in similarity.RATES.items():
        assert (everyone >= cosine_of[value]).mean() <= rate
        assert (normal(0.15, 500_000) >= cosine_of[value]).mean() <= rate * 1.2


def test_a_public_that_is_told_apart_better_changes_nothing() -> None:
    everyone = normal(0.1, 500_000)

    assert similarity.knots(everyone, normal(0.0, 3000)) == similarity.knots(everyone, everyone)


def test_without_such_people_everyone_tells() -> None:
    everyone = normal(0.1, 500_000)
    nobody = Public(np.empty((0, 2)), np.array([], np.str_))

    assert similarity.knots(everyone, nobody.different) == similarity.knots(everyone, everyone)


def test_knows_names_by_the_list() -> None:
    people = np.array(["Roh_Moo-hyun", "Gordon_Brown", "Junichiro_Koizumi", "Kim_Clijsters"])

    assert similarity.has_east_asian_name(people).tolist() == [True, False, True, False]


def test_the_person_is_in_the_name_of_the_file() -> None:
    assert similarity.person_of("Jean-David_Levitte/Jean-David_Levitte_0004.jpg") == (
        "Jean-David_Levitte"
    )
