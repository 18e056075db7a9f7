"""The calibrated similarity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.recognition.similarity import Calibration
from shared.vision import weights

CALIBRATION = Calibration(((-1.0, 0.0), (0.2, 60.0), (0.4, 90.0), (1.0, 100.0)))
EMBEDDERS = [model for model in weights.published().models.values() if model.embedder]


def similarity_at(cosine: float) -> float:
    return float(CALIBRATION.similarity(np.array([cosine], np.float32))[0])


@pytest.mark.parametrize(("cosine", "value"), [(-0.4, 30), (0.2, 60), (0.3, 75), (0.7, 95)])
def test_is_linear_between_the_knots(cosine: float, value: float) -> None:
    assert similarity_at(cosine) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("cosine", [1.0, 1.0000002, 0.9999999])
def test_the_same_vector_is_100_despite_rounding(cosine: float) -> None:
    assert similarity_at(cosine) == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize("cosine", [-1.0, -1.0000002])
def test_opposite_vectors_are_0(cosine: float) -> None:
    assert similarity_at(cosine) == 0


def test_keeps_the_shape_of_its_input() -> None:
    cosines = np.array([[-1, 0.2, 1], [0.4, 0.3, -0.4]], np.float32)
    expected = np.array([[0, 60, 100], [90, 75, 30]])
    np.testing.assert_allclose(CALIBRATION.similarity(cosines), expected, atol=1e-4)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_similarity_never_falls_with_the_cosine(one: float, other: float) -> None:
    near, far = max(one, other), min(one, other)
    assert 0 <= similarity_at(far) <= similarity_at(near) <= 100


@given(st.floats(0.5, 100))
def test_the_score_is_the_inverse_of_the_similarity(threshold: float) -> None:
    score = CALIBRATION.score(threshold)
    assert similarity_at(score) == pytest.approx(threshold, abs=1e-3)
    assert similarity_at(score - 1e-3) < similarity_at(score)


def test_the_score_of_100_admits_a_vector_to_itself_despite_rounding() -> None:
    assert CALIBRATION.score(100) < np.float32(0.9999999)


@pytest.mark.parametrize("model", EMBEDDERS, ids=lambda model: model.name)
def test_every_embedder_is_calibrated(model: weights.Weights) -> None:
    assert model.embedder
    cosines, similarities = zip(*model.embedder.knots, strict=True)
    assert (cosines[0], similarities[0]) == (-1, 0)
    assert (cosines[-1], similarities[-1]) == (1, 100)
    assert list(cosines) == sorted(set(cosines))
    assert list(similarities) == sorted(set(similarities))
