"""Types of command line options: each parses a text, or explains what is wrong with it."""

import argparse
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
Parser = Callable[[str], T]

_NO_LIMIT = ("none", "any")


def checked(parse: Parser[T]) -> Parser[T]:
    """Return a type for argparse, which shows the user the reason of a ValueError."""

    @wraps(parse)
    def parse_argument(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_argument


def optional(parse: Parser[T]) -> Parser[T | None]:
    """Return a type that also accepts `none` and `any`, and returns None for them."""
    return lambda text: None if text in _NO_LIMIT else parse(text)


@checked
def non_negative_integer(text: str) -> int:
    """Return a whole number from 0."""
    if not text.isdecimal():
        raise ValueError(f"must be a non-negative integer, not {text!r}")
    return int(text)


@checked
def positive_integer(text: str) -> int:
    """Return a whole number from 1."""
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"must be a positive integer, not {text!r}")
    return int(text)


@checked
def fraction(text: str) -> float:
    """Return a number between 0 and 1, both excluded."""
    number = float(text)
    if not 0 < number < 1:
        raise ValueError(f"must be a number between 0 and 1, not {text!r}")
    return number
