"""The limits of a key as plain values for storage, and in words."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shared.core.metering.models import DistinctLimit, Limits, Rate
from shared.core.metering.network import parse_network

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def to_dict(limits: Limits) -> dict[str, Any]:
    """Return the limits as JSON values, for `from_dict`."""
    networks = [str(network) for network in limits.networks]
    return {**asdict(limits), "networks": networks, "paths": list(limits.paths)}


def from_dict(values: Mapping[str, Any]) -> Limits:
    """Return the limits from the values of `to_dict`."""
    composed = {
        "networks": tuple(parse_network(network) for network in values["networks"]),
        "paths": tuple(values["paths"]),
        "addresses": values["addresses"] and DistinctLimit(**values["addresses"]),
        "rate": values["rate"] and Rate(**values["rate"]),
    }
    return Limits(**{**values, **composed})


def describe(limits: Limits) -> dict[str, str]:
    """Return each limit in words, by name."""
    return {
        "daily": _number(limits.daily),
        "monthly": _number(limits.monthly),
        "yearly": _number(limits.yearly),
        "networks": ", ".join(map(str, limits.networks)) or "any",
        "paths": ", ".join(limits.paths) or "any",
        "addresses": _distinct(limits.addresses),
        "in_flight": _number(limits.in_flight),
        "rate": _rate(limits.rate),
    }


def difference(before: Limits, after: Limits) -> str:
    """Return in words what changes between two sets of limits."""
    old, new = describe(before), describe(after)
    return "; ".join(
        f"{name}: {old[name]} -> {new[name]}" for name in old if old[name] != new[name]
    )


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as `7d`, `12h`, `30m`, `45s` or `0`.

    Raises:
        ValueError: the text is not a duration.
    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not number.isdecimal() or (number == text and text != "0"):
        raise ValueError(f"{text!r} is not a duration; use 7d, 12h, 30m or 45s")
    return int(number) * _UNITS[unit]


def describe_duration(seconds: int) -> str:
    """Return a duration in the largest unit that divides it, such as `7d`."""
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _number(limit: int | None) -> str:
    return "none" if limit is None else f"{limit:,}"


def _distinct(limit: DistinctLimit | None) -> str:
    return f"{limit.most:,} in {describe_duration(limit.window_s)}" if limit else "any"


def _rate(rate: Rate | None) -> str:
    return f"{rate.per_second:g} a second, burst {rate.burst}" if rate else "none"
