"""The calibrated similarity, 0..100, of two vectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-6  # of inner products in float32: that of a vector with itself may be below 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone, piecewise linear map from the cosine of two vectors to their similarity.

    The knots come from `benchmarks.similarity`, which places them at quantiles of the cosines of
    different people. They are valid for one embedder only.

    Attributes:
        knots: (cosine, similarity) pairs, both rising, from (-1, 0) to (1, 100).
    """

    knots: tuple[tuple[float, float], ...]

    def similarity(self, cosines: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the similarities, 0..100, for cosines of any shape, in the same shape."""
        known, values = zip(*self.knots, strict=True)
        similarities: NDArray[np.float64] = np.interp(cosines.astype(np.float64), known, values)
        return similarities

    def score(self, similarity: float) -> float:
        """Return the minimum cosine for a similarity, 0..100."""
        known, values = zip(*self.knots, strict=True)
        return float(np.interp(similarity, values, known)) - _ROUNDING
