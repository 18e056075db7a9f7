"""The options `keep` and `only`, as callers give them."""

import json
import math

import pytest

from shared.core.errors import InvalidParameterError
from shared.core.hiding import hide_options
from shared.core.hiding.selection import Mode, Selection


@pytest.mark.parametrize("mode", list(Mode))
def test_a_group_alone_means_everyone_in_it(mode: Mode) -> None:
    people = hide_options.parse({mode.value: {"group": "staff"}}).people
    assert people == Selection(mode, "staff")
    assert people.is_whole_group


def test_takes_faces_labels_and_a_similarity() -> None:
    given = {
        "group": "staff",
        "faceIds": ["a", "b", "a"],
        "externalImageIds": ["kim.jpg", "이.jpg"],
        "similarity": 95,
    }
    people = hide_options.parse({"keep": given}).people
    assert people == Selection(Mode.KEEP, "staff", ("a", "b"), ("kim.jpg", "이.jpg"), 95.0)
    assert not people.is_whole_group


def test_without_either_option_there_is_no_selection() -> None:
    assert hide_options.parse(None).people is None
    assert hide_options.parse({"method": "solid"}).people is None


def test_both_at_once_contradict_each_other() -> None:
    with pytest.raises(InvalidParameterError, match="keep and only exclude each other"):
        hide_options.parse({"keep": {"group": "a"}, "only": {"group": "b"}})


@pytest.mark.parametrize("given", [None, "staff", [], ["staff"], 1, True])
def test_refuses_a_value_that_is_not_an_object(given: object) -> None:
    with pytest.raises(InvalidParameterError, match=r"^only must be an object"):
        hide_options.parse({"only": given})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("group", None),
        ("group", ""),
        ("group", "Staff"),
        ("group", "../staff"),
        ("group", "a" * 256),
        ("group", ["staff"]),
        ("faceIds", []),
        ("faceIds", None),
        ("faceIds", "a"),
        ("faceIds", [""]),
        ("faceIds", [1]),
        ("faceIds", [["a"]]),
        ("faceIds", ["a" * 256]),
        ("faceIds", [str(number) for number in range(101)]),
        ("externalImageIds", []),
        ("externalImageIds", {"a": 1}),
        ("externalImageIds", ["a\n"]),
        ("externalImageIds", ["\ud800"]),
        ("similarity", None),
        ("similarity", 0),
        ("similarity", 100.5),
        ("similarity", "90"),
        ("similarity", True),
        ("similarity", math.nan),
        ("similarity", math.inf),
        ("faceids", ["a"]),
    ],
)
def test_refuses_a_wrong_field_and_names_it(field: str, value: object) -> None:
    with pytest.raises(InvalidParameterError, match=rf"^keep\.{field} "):
        hide_options.parse({"keep": {"group": "staff", field: value}})


def test_effective_options_can_be_parsed_again() -> None:
    people = {"group": "staff", "faceIds": ["a"], "externalImageIds": ["b"], "similarity": 95.0}
    for given in (
        {},
        {"method": "solid", "min_face": 3, "threshold": 0.5, "draw": True, "only": people},
        {"keep": {"group": "staff"}},
    ):
        options = hide_options.parse(given)
        stored = hide_options.to_json(options)
        assert hide_options.parse(stored) == hide_options.read(json.dumps(stored)) == options
        assert given.items() <= stored.items()


def test_refuses_a_selection_without_a_group() -> None:
    with pytest.raises(InvalidParameterError, match=r"^keep\.group "):
        hide_options.parse({"keep": {"faceIds": ["a"]}})
