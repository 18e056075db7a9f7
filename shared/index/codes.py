"""A first look at unit vectors that reads one byte for each of their numbers, and misses nothing.

A product of every row with a vector waits for memory: four bytes a number. Codes are the numbers
rounded to whole steps, -127..127. How far a rounded row can be from the row is known, so a product
of codes says between which bounds the exact one lies, and only few rows have to be looked at again.

numpy multiplies whole numbers slowly; numba compiles the loop. To import this module takes a
second, and the first time on a machine some more: the thread that makes codes does it, never a
request.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

_MAX = 127
_MAX_QUERY_CODE = 8192  # int16; sums of up to 2,000 products fit into 32 bits
_OF_THE_DEAD = np.iinfo(np.int32).min  # less than any product
_AT_ONCE = 4096  # rows
_ROUNDING = 1e-5  # of inner products in float32


def _multiply(
    codes: NDArray[np.int8], query: NDArray[np.int16], products: NDArray[np.int32]
) -> None:
    for row in range(codes.shape[0]):
        total = np.int32(0)
        for place in range(codes.shape[1]):
            total += np.int32(codes[row, place]) * np.int32(query[place])
        products[row] = total


_multiply_compiled = numba.njit(
    "void(int8[:, ::1], int16[::1], int32[::1])", cache=True, nogil=True
)(_multiply)


class Codes:
    """Unit vectors in a quarter of their memory.

    Attributes:
        bytes: the memory that they take.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """Take the vectors, float32 of shape (n, dimensions), n > 0; they are not kept."""
        self._step = float(np.abs(vectors).max()) / _MAX
        self._codes = np.empty(vectors.shape, np.int8)
        self._error = 0.0  # the greatest distance of a row from what its codes say
        for start in range(0, len(vectors), _AT_ONCE):
            block = vectors[start : start + _AT_ONCE]
            codes = np.rint(block / self._step)
            self._codes[start : start + _AT_ONCE] = codes
            errors = np.linalg.norm(block - codes * self._step, axis=1)
            self._error = max(self._error, float(errors.max()))
        self.bytes = self._codes.nbytes

    def candidates(
        self, vector: NDArray[np.float32], alive: NDArray[np.bool_], limit: int, min_score: float
    ) -> NDArray[np.intp]:
        """Return rows among which are the nearest living ones: few more than those.

        Among them are `limit` that no other living row exceeds, of those with an inner product of
        at least `min_score`; all of these where they are fewer.

        Args:
            vector: of unit length, float32 of shape (dimensions,).
            alive: which rows may be returned.
            limit: how many rows are wanted, 1 or more.
            min_score: the least inner product.
        """
        step = float(np.abs(vector).max()) / _MAX_QUERY_CODE
        query = np.rint(vector / step)
        products = np.empty(len(self._codes), np.int32)
        _multiply_compiled(self._codes, query.astype(np.int16), products)
        products[~alive] = _OF_THE_DEAD
        # x.y differs from the product of what stands for them, X.Y, by (x-X).y + X.(y-Y).
        off = float(np.linalg.norm(vector - query * step))
        error = self._error + (1 + self._error) * off + _ROUNDING
        unit = self._step * step
        least = (min_score - error) / unit
        if limit < len(products):
            # So many rows have at least this product, less the error: a row that may be better than
            # one of them has at least that, less the error again.
            last = int(np.partition(products, -limit)[-limit])
            least = max(least, last - 2 * error / unit)
        found: NDArray[np.intp] = np.flatnonzero(products >= math.floor(least))
        return found
