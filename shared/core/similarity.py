"""What a distance between two vectors means: a calibrated similarity of 0..100."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-6  # of inner products in float32: a vector's with itself may be less than 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone, piecewise linear map from Euclidean distance to similarity.

    The knots come from `benchmarks.similarity`, which places them at the distances where chosen
    shares of pairs of different people are nearer; they belong to one embedder.

    Attributes:
        knots: (distance, similarity) pairs, distances rising from 0, similarities falling from 100.
    """

    knots: tuple[tuple[float, float], ...]

    def similarity(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the similarities of inner products of unit vectors, in the same shape."""
        distances = np.sqrt(np.clip(2.0 - 2.0 * scores.astype(np.float64), 0.0, 4.0))
        known, values = zip(*self.knots, strict=True)
        similarities: NDArray[np.float64] = np.interp(distances, known, values)
        return similarities

    def score(self, similarity: float) -> float:
        """Return the least inner product of unit vectors that has at least this similarity."""
        known, values = zip(*self.knots, strict=True)
        distance = float(np.interp(-similarity, np.negative(values), known))
        return 1.0 - distance * distance / 2.0 - _ROUNDING
