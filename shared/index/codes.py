"""A first pass over unit vectors that reads one byte per number and never misses a result.

The product of all rows with a vector is limited by memory: four bytes per number. Codes are the
numbers quantised to integers -127..127. The distance of a row from its codes is limited, so the
product of codes limits the exact product, and only a few rows must be multiplied exactly.
`docs/adr/0006-search-in-large-groups.md` derives the bounds.

numpy multiplies integers slowly, so numba compiles the loop. Importing this module takes a second,
the first time on a machine a little more. So it is imported by the thread that creates codes, never
in a request.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

_MAX_CODE = 127
_MAX_QUERY_CODE = 8192  # int16; sums of up to 2,000 products fit into 32 bits
_REMOVED = np.iinfo(np.int32).min  # below any product
_BLOCK_ROWS = 4096
_ROUNDING = 1e-5  # of inner products in float32


def _multiply(
    codes: NDArray[np.int8], query: NDArray[np.int16], products: NDArray[np.int32]
) -> None:
    for row in range(codes.shape[0]):
        total = np.int32(0)
        for column in range(codes.shape[1]):
            total += np.int32(codes[row, column]) * np.int32(query[column])
        products[row] = total


_multiply_compiled = numba.njit(
    "void(int8[:, ::1], int16[::1], int32[::1])", cache=True, nogil=True
)(_multiply)


class Codes:
    """Quantised unit vectors, in a quarter of their memory.

    Attributes:
        bytes: the memory in use.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """Quantise vectors, float32 of shape (n, dimensions), n > 0; they are not kept."""
        self._step = float(np.abs(vectors).max()) / _MAX_CODE
        self._codes = np.empty(vectors.shape, np.int8)
        self._error = 0.0  # the greatest distance of a row from its codes
        for start in range(0, len(vectors), _BLOCK_ROWS):
            block = vectors[start : start + _BLOCK_ROWS]
            codes = np.rint(block / self._step)
            self._codes[start : start + _BLOCK_ROWS] = codes
            errors = np.linalg.norm(block - codes * self._step, axis=1)
            self._error = max(self._error, float(errors.max()))
        self.bytes = self._codes.nbytes

    def candidates(
        self, vector: NDArray[np.float32], alive: NDArray[np.bool_], limit: int, min_score: float
    ) -> NDArray[np.intp]:
        """Return the rows that may belong to the result, in their order; only a few do not.

        The result is the `limit` living rows with the greatest inner products, of those that reach
        `min_score`.

        Args:
            vector: of unit length, float32 of shape (dimensions,).
            alive: which rows may be returned, shape (n,).
            limit: the size of the result, 1 or more.
            min_score: the lowest inner product.
        """
        step = float(np.abs(vector).max()) / _MAX_QUERY_CODE
        query = np.rint(vector / step)
        products = np.empty(len(self._codes), np.int32)
        _multiply_compiled(self._codes, query.astype(np.int16), products)
        products[~alive] = _REMOVED
        # x.y differs from the product of the quantised vectors, X.Y, by (x-X).y + X.(y-Y).
        query_error = float(np.linalg.norm(vector - query * step))
        error = self._error + (1 + self._error) * query_error + _ROUNDING
        unit = self._step * step
        lowest = (min_score - error) / unit
        if limit < len(products):
            # `limit` rows have at least this product, less the error. A row that may be better than
            # one of them has at least that, less the error again.
            last = int(np.partition(products, -limit)[-limit])
            lowest = max(lowest, last - 2 * error / unit)
        return np.flatnonzero(products >= math.floor(lowest))
