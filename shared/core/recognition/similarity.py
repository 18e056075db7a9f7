"""What the cosine of two vectors means: a calibrated similarity of 0..100."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-6  # of inner products in float32: a vector's with itself may be less than 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone, piecewise linear map from the cosine of two vectors to their similarity.

    The knots come from `benchmarks.similarity`, which places them at the cosines that chosen shares
    of pairs of different people reach; they belong to one embedder.

    Attributes:
        knots: (cosine, similarity) pairs, both rising, from (-1, 0) to (1, 100).
    """

    knots: tuple[tuple[float, float], ...]

    def similarity(self, cosines: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the similarities of inner products of unit vectors, in the same shape."""
        known, values = zip(*self.knots, strict=True)
        similarities: NDArray[np.float64] = np.interp(cosines.astype(np.float64), known, values)
        return similarities

    def score(self, similarity: float) -> float:
        """Return the least inner product of unit vectors that has at least this similarity."""
        known, values = zip(*self.knots, strict=True)
        return float(np.interp(similarity, values, known)) - _ROUNDING
