"""The options of the command line that set the limits of a key."""

import argparse
from collections.abc import Sequence
from typing import Any

from local_runner.commands import Arguments, UsageError
from local_runner.commands.option_types import (
    Parser,
    checked,
    non_negative_integer,
    optional,
    positive_integer,
)
from shared.core.metering.limits import parse_duration
from shared.core.metering.models import DistinctLimit, Limits, Rate
from shared.core.metering.network import parse_network

_MAX_ADDRESSES = 1000
_MAX_RATE = 1000.0  # calls per second
_DEFAULT_WINDOW_S = 86_400


def add_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add an option for each limit; the arguments have no attribute for one that is not given.

    `default` tells the user what applies then.
    """
    group = parser.add_argument_group("limits", default)

    def add(name: str, parse: Parser[Any], metavar: str, text: str, **more: Any) -> None:
        group.add_argument(
            name, type=parse, default=argparse.SUPPRESS, metavar=metavar, help=text, **more
        )

    count = optional(non_negative_integer)
    add("--daily", count, "N|none", "calls per day in Korea")
    add("--monthly", count, "N|none", "calls per month in Korea")
    add("--yearly", count, "N|none", "calls per year in Korea")
    add(
        "--network", optional(checked(parse_network)), "CIDR|any",
        "network from which the key may be used; can be repeated", action="append",
    )  # fmt: skip
    add(
        "--path", optional(_path), "PATH|any",
        "path that the key may call, with everything below it, such as /FaceDeID; can be repeated",
        action="append",
    )  # fmt: skip
    add("--max-ips", optional(_addresses), "N|any", "number of addresses that may use the key")
    add("--ip-window", _window, "TIME", "how long an address counts there (default: 1d)")
    add("--in-flight", optional(positive_integer), "N|none", "calls in progress at once")
    add("--rate", optional(_rate_per_second), "X|none", "sustained calls per second, such as 0.1")
    add("--burst", positive_integer, "N", "calls that may arrive at once (default: 1)")


def read(arguments: Arguments, base: Limits) -> Limits:
    """Return the limits that the options set; the others are as in `base`.

    Raises:
        UsageError: an option changes a limit that is not set.

    """
    given = vars(arguments)
    return Limits(
        daily=given.get("daily", base.daily),
        monthly=given.get("monthly", base.monthly),
        yearly=given.get("yearly", base.yearly),
        networks=_all_or_any(given.get("network", base.networks)),
        paths=_all_or_any(given.get("path", base.paths)),
        addresses=_distinct(given, base.addresses),
        in_flight=given.get("in_flight", base.in_flight),
        rate=_rate(given, base.rate),
    )


def _all_or_any(values: Sequence[Any]) -> tuple[Any, ...]:
    return () if None in values else tuple(values)


def _distinct(given: dict[str, Any], old: DistinctLimit | None) -> DistinctLimit | None:
    most = given.get("max_ips", old and old.most)
    if most is None:
        if "ip_window" in given:
            raise UsageError("--ip-window needs --max-ips")
        return None
    return DistinctLimit(most, given.get("ip_window", old.window_s if old else _DEFAULT_WINDOW_S))


def _rate(given: dict[str, Any], old: Rate | None) -> Rate | None:
    per_second = given.get("rate", old and old.per_second)
    if per_second is None:
        if "burst" in given:
            raise UsageError("--burst needs --rate")
        return None
    return Rate(per_second, given.get("burst", old.burst if old else 1))


@checked
def _addresses(text: str) -> int:
    if (number := positive_integer(text)) > _MAX_ADDRESSES:
        raise ValueError(f"must be at most {_MAX_ADDRESSES}")
    return number


@checked
def _window(text: str) -> int:
    if (seconds := parse_duration(text)) < 1:
        raise ValueError("must be greater than 0")
    return seconds


@checked
def _rate_per_second(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= _MAX_RATE:
        raise ValueError(f"must be greater than 0 and at most {_MAX_RATE:g} per second")
    return rate


@checked
def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"must start with /, unlike {text!r}")
    return text
