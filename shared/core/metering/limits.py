"""The limits of a key as plain values, to be stored and shown, and in words."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from shared.core.metering.models import DistinctLimit, Limits, Rate
from shared.core.metering.network import parse_network

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def to_dict(limits: Limits) -> dict[str, Any]:
    """Return values that JSON can hold; `from_dict` reads them."""
    return {
        "daily": limits.daily,
        "monthly": limits.monthly,
        "yearly": limits.yearly,
        "networks": [str(network) for network in limits.networks],
        "paths": list(limits.paths),
        "addresses": limits.addresses
        and {"most": limits.addresses.most, "window_s": limits.addresses.window_s},
        "in_flight": limits.in_flight,
        "rate": limits.rate and {"per_second": limits.rate.per_second, "burst": limits.rate.burst},
    }


def from_dict(values: Mapping[str, Any]) -> Limits:
    """Return the limits that `to_dict` made the values of."""
    return Limits(
        daily=values["daily"],
        monthly=values["monthly"],
        yearly=values["yearly"],
        networks=tuple(parse_network(network) for network in values["networks"]),
        paths=tuple(values["paths"]),
        addresses=values["addresses"] and DistinctLimit(**values["addresses"]),
        in_flight=values["in_flight"],
        rate=values["rate"] and Rate(**values["rate"]),
    )


def describe(limits: Limits) -> dict[str, str]:
    """Return each limit in words, by its name."""
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
    """Return in words what changes from one to the other."""
    old, new = describe(before), describe(after)
    return "; ".join(
        f"{field.name}: {old[field.name]} -> {new[field.name]}"
        for field in fields(Limits)
        if old[field.name] != new[field.name]
    )


def parse_duration(text: str) -> int:
    """Return the seconds of a text as `7d`, `12h`, `30m`, `45s` or `0`.

    Raises:
        ValueError: it is none.

    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not number.isdecimal() or (number == text and text != "0"):
        raise ValueError(f"{text!r} is no time as 7d, 12h, 30m or 45s")
    return int(number) * _UNITS[unit]


def describe_duration(seconds: int) -> str:
    """Return seconds in the largest unit that holds them wholly, as `7d`."""
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _number(limit: int | None) -> str:
    return "none" if limit is None else f"{limit:,}"


def _distinct(limit: DistinctLimit | None) -> str:
    return f"{limit.most:,} in {describe_duration(limit.window_s)}" if limit else "any"


def _rate(rate: Rate | None) -> str:
    return f"{rate.per_second:g} a second, burst {rate.burst}" if rate else "none"
