"""Every operation of a vendor has the example of its guide, and every example an operation."""

import pytest

from local_runner import template
from tests import examples

OPERATIONS = examples.operations()


@pytest.mark.parametrize("vendor", OPERATIONS)
def test_every_operation_has_an_example_and_the_other_way_round(vendor: str) -> None:
    files = (examples.FOLDER / vendor).glob("*.json")
    assert sorted(path.stem for path in files) == sorted(OPERATIONS[vendor])


def test_every_example_is_filled_in() -> None:
    assert examples.unfilled() == [], "put in what the vendor's guide prints"


def test_every_folder_of_examples_is_a_vendors() -> None:
    folders = {path.name for path in examples.FOLDER.iterdir() if path.is_dir()}
    assert folders == {*OPERATIONS, "errors", "events"}


def test_functions_without_an_example_are_in_the_template() -> None:
    assert {function.command for function in template.read()} >= examples.OURS
