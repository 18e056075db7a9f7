"""Loops that test something: over nothing, a loop of asserts passes whatever the code does."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def nonempty(items: Iterable[T]) -> list[T]:
    """Return the items; fail where there are none."""
    found = list(items)
    assert found, "there is nothing to check"
    return found
