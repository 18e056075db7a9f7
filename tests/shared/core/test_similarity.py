"""The calibrated similarity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.similarity import Calibration
from shared.vision import weights
from shared.vision.recognitions import calibration

CALIBRATION = Calibration(((0.0, 100.0), (0.4, 90.0), (0.6, 70.0), (2.0, 0.0)))


def score_of(distance: float) -> float:
    return 1 - distance**2 / 2


def similarity_at(distance: float) -> float:
    scores = np.array([score_of(distance)], np.float32)
    return float(CALIBRATION.similarity(scores)[0])


@pytest.mark.parametrize(("distance", "value"), [(0.2, 95), (0.4, 90), (0.5, 80), (1.3, 35)])
def test_is_linear_between_the_knots(distance: float, value: float) -> None:
    assert similarity_at(distance) == pytest.approx(value, abs=0.01)


def test_the_same_vector_is_100_despite_rounding() -> None:
    scores = np.array([1.0, 1.0000002, 0.9999999], np.float32)
    assert CALIBRATION.similarity(scores) == pytest.approx([100, 100, 100], abs=0.02)


def test_opposite_vectors_are_0() -> None:
    assert CALIBRATION.similarity(np.array([-1.0], np.float32))[0] == 0


@given(st.floats(0.5, 100))
def test_the_score_of_a_threshold_is_where_it_begins(threshold: float) -> None:
    score = CALIBRATION.score(threshold)
    at, below = CALIBRATION.similarity(np.array([score, score - 1e-3], np.float32))
    assert at == pytest.approx(threshold, abs=0.05)
    assert below < at


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_every_embedder_is_calibrated(precision: str) -> None:
    version = weights.catalogue()[f"dlib-resnet-{precision}"].version
    knots = calibration(version).knots
    distances, similarities = zip(*knots, strict=True)
    assert (distances[0], similarities[0]) == (0, 100)
    assert (distances[-1], similarities[-1]) == (2, 0)
    assert list(distances) == sorted(set(distances))
    assert list(similarities) == sorted(set(similarities), reverse=True)
