"""Every error has its words in every dialect."""

from collections.abc import Iterator, Mapping

import pytest

from functions.etri import _dialect as etri
from functions.withmind import _dialect as withmind
from shared.core import errors
from shared.core.errors import FaceError
from shared.http.dialect import row_for

TABLES: dict[str, Mapping[type[FaceError], object]] = {
    "etri": etri.ERRORS,
    "withmind": withmind.ERRORS,
}


def tree(root: type[FaceError] = FaceError) -> Iterator[type[FaceError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("error", list(tree()))
def test_every_error_has_a_row(name: str, error: type[FaceError]) -> None:
    table = TABLES[name]
    row = row_for(table, error)
    if error is not FaceError:
        assert row is not table[FaceError], f"{error.__name__} falls through to the root"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [line.strip() for line in (errors.__doc__ or "").splitlines()]
    for error in tree():
        assert error.__name__ in drawn


def test_every_error_is_one_sentence() -> None:
    for error in tree():
        assert error.__doc__
        assert len(error.__doc__.splitlines()) == 1
