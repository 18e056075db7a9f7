import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.models import dlib_writer as written
from tools.models.dlib_format import DlibFormatError, Reader

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x01\x00", 0),
        (b"\x01\x07", 7),
        (b"\x81\x07", -7),
        (b"\x02\x80\x12", 4736),
        (b"\x82\x00\x01", -256),
        (b"\x08" + b"\xff" * 7 + b"\x7f", 2**63 - 1),
    ],
)
def test_reads_an_integer_by_its_control_byte(data: bytes, value: int) -> None:
    assert Reader(data).integer() == value


@given(st.lists(INT64, max_size=20))
def test_reads_every_integer_that_was_written(values: list[int]) -> None:
    reader = Reader(b"".join(map(written.integer, values)))

    assert reader.integers(len(values)).tolist() == values
    reader.require_end()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)))
def test_reads_every_float_that_was_written(values: list[float]) -> None:
    reader = Reader(written.floats(values))

    assert reader.numbers(len(values)).tolist() == values
    reader.require_end()


def test_reads_what_is_no_finite_number() -> None:
    pairs = [(0, 32000), (0, 32001), (0, 32002)]
    reader = Reader(b"".join(written.shape(pair) for pair in pairs))

    infinity, minus_infinity, nothing = reader.numbers(3).tolist()

    assert (infinity, minus_infinity) == (math.inf, -math.inf)
    assert math.isnan(nothing)


def test_reads_truth_text_and_tensors_one_after_the_other() -> None:
    values = np.linspace(-1, 1, 24, dtype=np.float32).reshape(1, 2, 3, 4)
    reader = Reader(
        b"10"
        + written.text("con_4")
        + written.tensor(values)
        + written.alias_tensor(1, 2, 3, 4)
        + written.tensor(np.zeros((0, 0, 0, 0), np.float32))
    )

    assert [reader.boolean(), reader.boolean()] == [True, False]
    assert reader.text() == "con_4"
    read = reader.tensor()
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values)
    assert reader.alias_tensor() == [1, 2, 3, 4]
    assert reader.tensor().shape == (0, 0, 0, 0)
    reader.require_end()


@pytest.mark.parametrize("length", range(9))
def test_refuses_an_integer_that_ends_early(length: int) -> None:
    data = written.integer(-(2**62))

    with pytest.raises(DlibFormatError, match="at byte 0, the file ends early"):
        Reader(data[:length]).integer()


@pytest.mark.parametrize("length", range(46))
def test_refuses_a_tensor_that_ends_early(length: int) -> None:
    data = written.tensor(np.ones((1, 1, 3, 3), np.float32))
    assert len(data) == 46

    with pytest.raises(DlibFormatError, match="ends early"):
        Reader(data[:length]).tensor()


def test_refuses_a_text_longer_than_the_file() -> None:
    with pytest.raises(DlibFormatError, match="at byte 2, the file ends early"):
        Reader(written.integer(9) + b"affine_").text()


@pytest.mark.parametrize("control", [0x00, 0x09, 0x0F, 0x80])
def test_refuses_an_integer_of_an_impossible_size(control: int) -> None:
    with pytest.raises(DlibFormatError, match=rf"at byte 2, an integer has {control & 15} bytes"):
        Reader(b"\x01\x05" + bytes([control]) + bytes(20)).integers(2)


def test_refuses_an_integer_of_64_bits() -> None:
    with pytest.raises(DlibFormatError, match="larger than 63 bits"):
        Reader(b"\x08" + b"\xff" * 8).integer()


def test_refuses_another_version() -> None:
    with pytest.raises(DlibFormatError, match="the network's version is 4, not 1 or 2"):
        Reader(written.integer(4)).expect("the network's version", 1, 2)


def test_refuses_a_negative_length() -> None:
    with pytest.raises(DlibFormatError, match="a length is -3"):
        Reader(written.integer(-3) + b"abc").text()


def test_refuses_a_truth_value_that_is_no_digit() -> None:
    with pytest.raises(DlibFormatError, match="a truth value is b'x'"):
        Reader(b"x").boolean()


def test_refuses_bytes_that_are_left_over() -> None:
    reader = Reader(b"\x01\x05\x00")
    reader.integer()

    with pytest.raises(DlibFormatError, match="1 bytes are left over"):
        reader.require_end()
