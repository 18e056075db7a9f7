"""Checks of the values that callers give; each error names the parameter."""

import re
from collections.abc import Iterable

from shared.core.errors import InvalidParameterError


def check_fields(given: Iterable[str], known: Iterable[str], *, prefix: str = "") -> None:
    """Check that only known fields are given.

    Raises:
        InvalidParameterError: one is unknown; the error names it after the prefix.
    """
    known = tuple(known)
    for field in given:
        if field not in known:
            raise InvalidParameterError(prefix + field[:40], f"is not one of {', '.join(known)}")


def matching(name: str, value: object, pattern: str) -> str:
    """Return a string that matches a regular expression as a whole.

    Raises:
        InvalidParameterError: it is not a string, or does not match.
    """
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    raise InvalidParameterError(name, f"must match {pattern}")


def integer(name: str, value: object, low: int, high: int) -> int:
    """Return an integer from `low` to `high`.

    Raises:
        InvalidParameterError: it is not one.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise InvalidParameterError(name, f"must be an integer from {low} to {high}")
