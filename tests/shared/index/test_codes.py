"""The candidates of codes, compared with the products of all rows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.face_vectors import Population
from shared.index.codes import Codes

pytestmark = pytest.mark.timeout(300)  # compiled once on a machine

ROWS = 3000


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def check(vectors: NDArray[np.float32], query: NDArray[np.float32], seed: int = 0) -> None:
    """Compare the candidates with all rows, some of them removed, for several limits."""
    codes = Codes(vectors)
    alive = np.random.default_rng(seed).random(len(vectors)) < 0.9
    scores = vectors.astype(np.float64) @ query
    order = np.argsort(-scores, kind="stable")
    for limit in (1, 2, 5, 20, 300, len(vectors) + 1):
        for min_score in (-1.0, 0.0, 0.3, 0.9, 0.999):
            found = codes.candidates(query, alive, limit, min_score)
            assert alive[found].all()
            wanted = [row for row in order if alive[row] and scores[row] >= min_score][:limit]
            assert set(wanted) <= set(found.tolist())


@pytest.mark.parametrize("seed", range(5))
def test_misses_no_face(seed: int) -> None:
    population = Population(people=ROWS // 5, seed=seed)
    vectors = population.anyone(ROWS)
    check(vectors, population.anyone()[0], seed)
    check(vectors, vectors[7], seed)


@pytest.mark.parametrize("dimensions", [3, 64, 128, 192, 512])
def test_misses_no_face_in_any_number_of_dimensions(dimensions: int) -> None:
    random = np.random.default_rng(dimensions)
    vectors = unit(random.normal(size=(ROWS, dimensions)))
    check(vectors, unit(random.normal(size=dimensions)))


@pytest.mark.parametrize("seed", range(5))
def test_misses_no_face_among_nearly_equal_ones(seed: int) -> None:
    """The quantised rows have a very different order, so only the bound helps."""
    random = np.random.default_rng(seed)
    query = unit(np.ones(2))
    check(unit(query + 0.01 * random.normal(size=(ROWS, 2))), query, seed)
    query = unit(random.normal(size=128))
    check(unit(query + 0.003 * random.normal(size=(ROWS, 128))), query, seed)


def test_misses_no_face_if_the_last_rows_are_quantised_exactly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.index.codes._BLOCK_ROWS", ROWS)
    query = unit(np.ones(2))
    near = unit(query + 0.01 * np.random.default_rng(1).normal(size=(ROWS, 2)))
    check(np.concatenate([near, np.tile(np.array([1, 0], np.float32), (ROWS, 1))]), query)


def test_misses_no_face_if_one_number_is_far_greater_than_all_others() -> None:
    random = np.random.default_rng(1)
    vectors = unit(random.normal(size=(ROWS, 128)))
    vectors[5] = np.eye(128)[3]
    check(vectors, vectors[6])
    check(vectors, vectors[5])


def test_misses_no_face_if_the_query_is_quantised_coarsely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.index.codes._MAX_QUERY_CODE", 3)
    random = np.random.default_rng(1)
    query = unit(np.array([1.0, 0.5]))
    check(unit(query + 0.5 * random.normal(size=(ROWS, 2))), query)


def test_all_equal_faces_are_candidates() -> None:
    vectors = Population(people=20).anyone(ROWS)
    vectors[100:200] = vectors[0]
    found = Codes(vectors).candidates(vectors[0], np.ones(ROWS, bool), 3, 0.9)
    assert set(found.tolist()) >= {0, *range(100, 200)}


def test_there_are_few_more_candidates_than_requested() -> None:
    population = Population(people=ROWS // 5)
    codes = Codes(population.anyone(ROWS))
    for query in population.anyone(50):
        assert len(codes.candidates(query, np.ones(ROWS, bool), 5, -1.0)) <= 40


def test_removed_faces_are_never_candidates() -> None:
    vectors = Population(people=20).anyone(ROWS)
    alive = np.zeros(ROWS, bool)
    alive[[3, 5]] = True
    assert Codes(vectors).candidates(vectors[0], alive, 5, -1.0).tolist() == [3, 5]


def test_codes_use_one_byte_per_number() -> None:
    assert Codes(Population(people=20).anyone(ROWS)).bytes == ROWS * 128
