"""Limits as plain values and in words."""

import json

import pytest

from shared.core.metering import limits
from shared.core.metering.models import DistinctLimit, Limits, Rate
from shared.core.metering.network import parse_network

ALL = Limits(
    daily=10,
    monthly=20,
    yearly=30,
    networks=(parse_network("10.0.0.0/8"),),
    paths=("/FaceDeID",),
    addresses=DistinctLimit(3, 43_200),
    in_flight=2,
    rate=Rate(0.5, 4),
)


@pytest.mark.parametrize("given", [Limits(), ALL, Limits(daily=None)])
def test_limits_survive_json(given: Limits) -> None:
    assert limits.from_dict(json.loads(json.dumps(limits.to_dict(given)))) == given


def test_a_difference_names_only_the_changes() -> None:
    assert limits.difference(ALL, ALL) == ""
    assert limits.difference(Limits(), ALL) == (
        "daily: 5,000 -> 10; monthly: none -> 20; yearly: none -> 30; "
        "networks: any -> 10.0.0.0/8; paths: any -> /FaceDeID; addresses: any -> 3 in 12h; "
        "in_flight: none -> 2; rate: none -> 0.5 a second, burst 4"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7d", 604_800), ("12h", 43_200), ("30m", 1800), ("45s", 45), ("0", 0), ("0s", 0)],
)
def test_parses_a_duration(text: str, seconds: int) -> None:
    assert limits.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "7", "7w", "-1d", "1.5h", "7 d", "1d2h"])
def test_refuses_text_that_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        limits.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(604_800, "7d"), (90_000, "25h"), (90, "90s"), (0, "0d")]
)
def test_describes_a_duration_in_its_largest_unit(seconds: int, text: str) -> None:
    assert limits.describe_duration(seconds) == text
