"""CloudFormation's functions."""

import pytest

from tools.provision.errors import ProvisionError
from tools.provision.expressions import Expressions

EXPRESSIONS = Expressions(
    {"Days": "7", "Zones": ["a", "b"]},
    {
        "Always": {"Fn::Equals": [{"Ref": "Days"}, 7]},
        "Never": {"Fn::Not": [{"Condition": "Always"}]},
        "Both": {"Fn::And": [{"Condition": "Always"}, {"Condition": "Never"}]},
        "Either": {"Fn::Or": [{"Condition": "Always"}, {"Condition": "Never"}]},
    },
    ref=lambda name: f"ref of {name}",
    attribute=lambda name, attribute: f"{attribute} of {name}",
)


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("as it is", "as it is"),
        ({"Ref": "Days"}, "7"),
        ({"Ref": "Table"}, "ref of Table"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "Arn of Table"),
        ({"Fn::GetAtt": "Table.Stream.Arn"}, "Stream.Arn of Table"),
        ({"Fn::Sub": "${Table}/${Table.Arn}/${Days}"}, "ref of Table/Arn of Table/7"),
        ({"Fn::Sub": "${!aws:username}"}, "${aws:username}"),
        ({"Fn::Sub": ["${X} and ${Days}", {"X": {"Ref": "Y"}}]}, "ref of Y and 7"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Days"}]]}, "a-7"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::If": ["Always", "yes", "no"]}, "yes"),
        ({"Fn::If": ["Never", "yes", {"Ref": "Days"}]}, "7"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"a": {"Fn::If": ["Never", 1, {"Ref": "AWS::NoValue"}]}}, {}),
        ({"Condition": {"Bool": {"x": "true"}}}, {"Condition": {"Bool": {"x": "true"}}}),
    ],
)
def test_computes(given: object, computed: object) -> None:
    assert EXPRESSIONS.value(given) == computed


@pytest.mark.parametrize(
    ("condition", "holds"), [("Always", True), ("Never", False), ("Both", False), ("Either", True)]
)
def test_conditions_are_made_of_conditions(condition: str, holds: bool) -> None:
    assert EXPRESSIONS.holds(condition) is holds


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"Fn::ImportValue": "x"}, "Fn::ImportValue"), ({"Fn::If": ["No", 1, 2]}, "condition No")],
)
def test_refuses_what_it_does_not_know(given: object, reason: str) -> None:
    with pytest.raises(ProvisionError, match=reason):
        EXPRESSIONS.value(given)
