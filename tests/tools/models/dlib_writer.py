"""Writes what dlib writes, for the tests of the readers."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def integer(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def number(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**53)) + integer(exponent - 53)


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def shape(sizes: Iterable[int]) -> bytes:
    return b"".join(map(integer, sizes))


def tensor(values: NDArray[np.float32], sizes: Iterable[int] | None = None) -> bytes:
    return integer(2) + shape(sizes or values.shape) + values.astype("<f4").tobytes()


def alias_tensor(*sizes: int) -> bytes:
    return integer(1) + shape(sizes)


def floats(values: Iterable[float]) -> bytes:
    return b"".join(map(number, values))
