"""The options of the command line that set the limits of a key."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from shared.core.metering.limits import parse_duration
from shared.core.metering.models import DistinctLimit, Limits, Rate
from shared.core.metering.network import parse_network

Parser = Callable[[str], object]

_MAX_ADDRESSES = 1000
_FASTEST = 1000.0  # calls a second
_DEFAULT_WINDOW_S = 86_400
_NO_LIMIT = ("none", "any")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each limit; one that is not given is no attribute of the arguments."""

    def add(name: str, parse: Parser, metavar: str, text: str, **more: Any) -> None:
        parse = argument(parse)
        parser.add_argument(
            name, type=parse, default=argparse.SUPPRESS, metavar=metavar, help=text, **more
        )

    add("--daily", _optional(_whole), "N|none", "calls in a day in Korea")
    add("--monthly", _optional(_whole), "N|none", "calls in a month in Korea")
    add("--yearly", _optional(_whole), "N|none", "calls in a year in Korea")
    add(
        "--network", _optional(parse_network), "CIDR|any",
        "whence it may be used; may be given again", action="append",
    )  # fmt: skip
    add(
        "--path", _optional(_path), "PATH|any",
        "what it opens with all below, as /FaceDeID; may be given again", action="append",
    )  # fmt: skip
    add("--max-ips", _optional(_addresses), "N|any", "from how many addresses it may be used")
    add("--ip-window", _window, "TIME", "how long an address counts there (default: 1d)")
    add("--in-flight", _optional(_positive), "N|none", "how many calls may be under way at once")
    add("--rate", _optional(_per_second), "X|none", "calls a second in the long run, as 5 or 0.1")
    add("--burst", _positive, "N", "how many of them may come at once (default: 1)")


def read(arguments: argparse.Namespace, base: Limits) -> Limits:
    """Return the limits that the options ask for; what they leave out is as in `base`.

    Raises:
        ValueError: an option changes a limit that there is not.

    """
    given = vars(arguments)
    return Limits(
        daily=given.get("daily", base.daily),
        monthly=given.get("monthly", base.monthly),
        yearly=given.get("yearly", base.yearly),
        networks=_all_or_any(given.get("network", base.networks)),
        paths=_all_or_any(given.get("path", base.paths)),
        addresses=_distinct(given, base),
        in_flight=given.get("in_flight", base.in_flight),
        rate=_rate(given, base),
    )


def argument(parse: Parser) -> Parser:
    """Return a type of an option that tells the user why a text is none."""

    def parse_argument(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_argument


def _all_or_any(values: Sequence[Any]) -> tuple[Any, ...]:
    return () if None in values else tuple(values)


def _distinct(given: dict[str, Any], base: Limits) -> DistinctLimit | None:
    old = base.addresses
    most = given.get("max_ips", old and old.most)
    if most is None:
        _must_not_be_given("ip_window", given, "--ip-window needs --max-ips")
        return None
    return DistinctLimit(most, given.get("ip_window", old.window_s if old else _DEFAULT_WINDOW_S))


def _rate(given: dict[str, Any], base: Limits) -> Rate | None:
    old = base.rate
    per_second = given.get("rate", old and old.per_second)
    if per_second is None:
        _must_not_be_given("burst", given, "--burst needs --rate")
        return None
    return Rate(per_second, given.get("burst", old.burst if old else 1))


def _must_not_be_given(name: str, given: dict[str, Any], message: str) -> None:
    if name in given:
        raise ValueError(message)


def _optional(parse: Parser) -> Parser:
    return lambda text: None if text in _NO_LIMIT else parse(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _positive(text: str) -> int:
    if (number := _whole(text)) < 1:
        raise ValueError("must be at least 1")
    return number


def _addresses(text: str) -> int:
    if (number := _positive(text)) > _MAX_ADDRESSES:
        raise ValueError(f"must be at most {_MAX_ADDRESSES}")
    return number


def _window(text: str) -> int:
    if (seconds := parse_duration(text)) < 1:
        raise ValueError("must be more than 0")
    return seconds


def _per_second(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= _FASTEST:
        raise ValueError(f"must be more than 0 and at most {_FASTEST:g} a second")
    return rate


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"{text!r} does not begin with /")
    return text
