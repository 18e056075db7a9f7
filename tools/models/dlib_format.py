"""Reads dlib's serialisation: the primitives that its model files are made of.

Source: `dlib/serialize.h`, `dlib/float_details.h` and `dlib/dnn/tensor.h` of dlib 19.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tools.models.errors import ModelsError

_NEGATIVE_BIT = 0x80
_SIZE_BITS = 0x0F
_LARGEST_SIZE = 8
_INFINITY, _MINUS_INFINITY, _NOT_A_NUMBER = 32000, 32001, 32002
_TENSOR_VERSION = 2
_ALIAS_TENSOR_VERSION = 1


class DlibFormatError(ModelsError):
    """The bytes are not what dlib writes; the message says what was met and where."""


class Reader:
    """Reads one value after the other from the bytes of a dlib file.

    Every method raises DlibFormatError where the bytes end early or cannot be the value asked for.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def integers(self, count: int) -> NDArray[np.int64]:
        """Read packed integers, int64 of shape (count,).

        One is a control byte, the sign in its highest bit and the size in its lowest four, and the
        magnitude in that many bytes, the lowest first.
        """
        starts = self._skip_integers(count)
        stored = np.frombuffer(self._data, np.uint8)
        controls = stored[starts]
        sizes = controls & _SIZE_BITS
        magnitudes = np.zeros(count, np.uint64)
        for index in range(_LARGEST_SIZE):
            long_enough = sizes > index
            bytes_ = stored[starts[long_enough] + 1 + index].astype(np.uint64)
            magnitudes[long_enough] |= bytes_ << np.uint64(8 * index)
        values = magnitudes.astype(np.int64)
        if values.size and values.min() < 0:
            raise self._error("an integer is larger than 63 bits")
        return np.where(controls & _NEGATIVE_BIT, -values, values)

    def integer(self) -> int:
        """Read one packed integer."""
        return int(self.integers(1)[0])

    def expect(self, what: str, *expected: int) -> int:
        """Read an integer, `what`, that must be one of those expected."""
        value = self.integer()
        if value not in expected:
            raise self._error(f"{what} is {value}, not {' or '.join(map(str, expected))}")
        return value

    def numbers(self, count: int) -> NDArray[np.float64]:
        """Read floats, float64 of shape (count,)."""
        return unpack_floats(self.integers(2 * count).reshape(count, 2))

    def boolean(self) -> bool:
        """Read a truth value: the character 0 or 1."""
        character = self._take(1)
        if character not in {b"0", b"1"}:
            raise self._error(f"a truth value is {character!r}")
        return character == b"1"

    def text(self) -> str:
        """Read a string: its length, then its bytes."""
        return self._take(self.integer()).decode("latin-1")

    def tensor(self) -> NDArray[np.float32]:
        """Read a tensor, float32 of shape (samples, channels, rows, columns)."""
        self.expect("a tensor's version", _TENSOR_VERSION)
        shape = self.integers(4).tolist()
        raw = self._take(4 * math.prod(shape))
        return np.frombuffer(raw, "<f4").reshape(shape)

    def alias_tensor(self) -> list[int]:
        """Read the shape of a part of another tensor: samples, channels, rows, columns."""
        self.expect("an alias tensor's version", _ALIAS_TENSOR_VERSION)
        shape: list[int] = self.integers(4).tolist()
        return shape

    def require_end(self) -> None:
        """Check that nothing is left to read."""
        left = len(self._data) - self._position
        if left:
            raise self._error(f"{left} bytes are left over")

    def _skip_integers(self, count: int) -> NDArray[np.intp]:
        """Return where the next integers start: the size of one tells where the next one is."""
        data, position = self._data, self._position
        starts = []
        try:
            for _ in range(count):
                starts.append(position)
                size = data[position] & _SIZE_BITS
                if not 1 <= size <= _LARGEST_SIZE:
                    raise self._error(f"an integer has {size} bytes", position)
                position += 1 + size
        except IndexError:
            position = len(data) + 1
        self._advance(position)
        return np.array(starts, np.intp)

    def _take(self, count: int) -> bytes:
        start = self._position
        if count < 0:
            raise self._error(f"a length is {count}")
        self._advance(start + count)
        return self._data[start : self._position]

    def _advance(self, position: int) -> None:
        if position > len(self._data):
            raise self._error("the file ends early")
        self._position = position

    def _error(self, what: str, position: int | None = None) -> DlibFormatError:
        where = self._position if position is None else position
        return DlibFormatError(f"not a dlib file of the kind expected: at byte {where}, {what}")


def unpack_floats(packed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the floats m * 2**e of pairs (m, e), int64 of shape (..., 2), as float64 of (...)."""
    mantissas, exponents = packed[..., 0], packed[..., 1]
    special = exponents >= _INFINITY
    values = np.ldexp(mantissas.astype(np.float64), np.where(special, 0, exponents))
    values[exponents == _INFINITY] = np.inf
    values[exponents == _MINUS_INFINITY] = -np.inf
    values[exponents == _NOT_A_NUMBER] = np.nan
    return values
