"""How many calls a key may make: per day, month and year in Korea, at once, and how fast.

A store reads a key's tally, calls `check`, and writes what the call adds: all in one step.
"""

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from shared.core import errors
from shared.core.metering.models import Limits, Rate

KOREA = timezone(timedelta(hours=9), "KST")  # no daylight saving time since 1988
KEPT_DAYS = 31
KEPT_MONTHS = 13

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Tally:
    """The stored usage of a key.

    Attributes:
        counts: calls by period, such as "2026-01-31", "2026-01" and "2026".
        leases: of the calls in flight; some may have expired.
        due_us: when the next call is due at the key's rate, in microseconds since 1970.
    """

    counts: Mapping[str, int]
    leases: frozenset[str] = frozenset()
    due_us: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """A key's calls that are left today; `reset_s` is the time to midnight in seconds."""

    limit: int
    remaining: int
    reset_s: int


def allowance(limits: Limits, used_today: int, now: float) -> Allowance | None:
    """Return the calls that are left today; None if they are not limited."""
    if limits.daily is None:
        return None
    return Allowance(
        limit=limits.daily,
        remaining=max(0, limits.daily - used_today),
        reset_s=seconds_to_midnight(now),
    )


def periods(now: float) -> tuple[str, str, str]:
    """Return the names of the current day, month and year in Korea."""
    return periods_of(datetime.fromtimestamp(now, KOREA).date().isoformat())


def periods_of(day: str) -> tuple[str, str, str]:
    """Return the names of a day and of its month and year."""
    return day, day[:7], day[:4]


def seconds_to_midnight(now: float) -> int:
    """Return the time to midnight in Korea, in whole seconds, at least 1."""
    time = datetime.fromtimestamp(now, KOREA)
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return math.ceil((midnight - time).total_seconds())


def outdated(names: Iterable[str], now: float) -> list[str]:
    """Return the periods that need not be kept any longer; years are kept forever."""
    today = datetime.fromtimestamp(now, KOREA).date()
    year, month = divmod(today.year * 12 + today.month - 1 - KEPT_MONTHS, 12)
    oldest_day = (today - timedelta(days=KEPT_DAYS)).isoformat()
    oldest_month = f"{year:04}-{month + 1:02}"
    oldest = {len(oldest_day): oldest_day, len(oldest_month): oldest_month}
    return [name for name in names if name < oldest.get(len(name), "")]


def check(limits: Limits, tally: Tally, now: float) -> None:
    """Check that the limits allow one more call.

    Raises:
        ConcurrencyLimitError: too many calls are in flight, or they come too fast.
        DailyLimitError: the calls of the day are used up.
        MonthlyLimitError: those of the month.
        YearlyLimitError: those of the year.
    """
    used = [tally.counts.get(period, 0) for period in periods(now)]
    today = used[0]
    in_flight = len(tally.leases - expired(tally.leases, now))
    if limits.in_flight is not None and in_flight >= limits.in_flight:
        raise errors.ConcurrencyLimitError(today)
    if limits.rate and tally.due_us > latest_due_us(limits.rate, now):
        raise errors.ConcurrencyLimitError(today)
    allowed = (limits.daily, limits.monthly, limits.yearly)
    refusals = (errors.DailyLimitError, errors.MonthlyLimitError, errors.YearlyLimitError)
    for count, limit, refusal in zip(used, allowed, refusals, strict=True):
        if limit is not None and count >= limit:
            raise refusal(today)


def next_due_us(rate: Rate, due_us: int, now: float) -> int:
    """Return when the call after this one is due.

    This is the generic cell rate algorithm (ITU-T I.371, annex A) in its virtual scheduling form:
    a token bucket in one number, the theoretical arrival time.
    """
    return max(due_us, microseconds(now)) + interval_us(rate)


def latest_due_us(rate: Rate, now: float) -> int:
    """Return the latest due time at which a call is allowed now. A burst may come early."""
    return microseconds(now) + (rate.burst - 1) * interval_us(rate)


def interval_us(rate: Rate) -> int:
    """Return the average time between two calls, in microseconds."""
    return round(_MICROSECONDS / rate.per_second)


def microseconds(now: float) -> int:
    """Return a time in whole microseconds, because sums of fractions are not exact."""
    return int(now * _MICROSECONDS)


def new_lease(now: float, lease_s: float) -> str:
    """Return a unique id for a call in flight; it contains the time when the lease expires."""
    return f"{microseconds(now + lease_s)}#{uuid.uuid4().hex[:16]}"


def expired(leases: Iterable[str], now: float) -> frozenset[str]:
    """Return the leases of abandoned calls, whose process died before it ended them."""
    limit = microseconds(now)
    return frozenset(lease for lease in leases if int(lease.partition("#")[0]) <= limit)
