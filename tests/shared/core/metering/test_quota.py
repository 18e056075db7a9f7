"""The calendar in Korea and the arithmetic of rates; the rest is in the contract of `Usage`."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.errors import ConcurrencyLimitError
from shared.core.metering import quota
from shared.core.metering.models import Limits, Rate
from shared.core.metering.quota import Allowance, Tally

NEW_YEAR = datetime(2025, 12, 31, 15, tzinfo=UTC)  # 2026 begins in Korea
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NEW_YEAR - SECOND, ("2025-12-31", "2025-12", "2025")),
        (NEW_YEAR, ("2026-01-01", "2026-01", "2026")),
        (datetime(2026, 2, 28, 15, tzinfo=UTC), ("2026-03-01", "2026-03", "2026")),
        (datetime(2028, 2, 28, 15, tzinfo=UTC), ("2028-02-29", "2028-02", "2028")),
        (datetime(2026, 7, 1, 14, 59, 59, tzinfo=UTC), ("2026-07-01", "2026-07", "2026")),
    ],
)
def test_days_months_and_years_change_at_midnight_in_korea(
    moment: datetime, expected: tuple[str, str, str]
) -> None:
    assert quota.periods(moment.timestamp()) == expected


@pytest.mark.parametrize(
    ("before_midnight", "seconds"), [(0.0, 86_400), (0.001, 1), (1.0, 1), (3600.5, 3601)]
)
def test_the_time_to_midnight_is_never_zero(before_midnight: float, seconds: int) -> None:
    assert quota.seconds_to_midnight(NEW_YEAR.timestamp() - before_midnight) == seconds


def test_an_allowance_is_never_negative() -> None:
    now = NEW_YEAR.timestamp()
    assert quota.allowance(Limits(daily=5), 2, now) == Allowance(5, 3, 86_400)
    assert quota.allowance(Limits(daily=5), 7, now) == Allowance(5, 0, 86_400)
    assert quota.allowance(Limits(daily=None), 2, now) is None


def test_keeps_thirteen_months_and_thirty_one_days() -> None:
    now = NEW_YEAR.timestamp()
    names = ["2024-11", "2024-12", "2025-11-30", "2025-12-01", "2026-01-01", "1999"]
    assert quota.outdated(names, now) == ["2024-11", "2025-11-30"]


@pytest.mark.parametrize("rate", [Rate(0.5, 3), Rate(3, 7), Rate(1000, 2), Rate(1 / 3, 1)])
def test_on_average_calls_come_at_their_rate(rate: Rate) -> None:
    start, end, step = 1_769_828_400.0, 20.0, 1 / 64
    due_us = passed = 0
    for tick in range(int(end / step)):
        now = start + tick * step
        try:
            quota.check(Limits(daily=None, rate=rate), Tally({}, due_us=due_us), now)
        except ConcurrencyLimitError:
            continue
        due_us = quota.next_due_us(rate, due_us, now)
        passed += 1
    expected = min(rate.burst + end * rate.per_second, end / step)
    assert expected - 2 <= passed <= expected


def test_a_lease_contains_its_expiry() -> None:
    lease = quota.new_lease(100.0, 30.0)
    assert quota.new_lease(100.0, 30.0) != lease
    assert quota.expired([lease], 129.999) == frozenset()
    assert quota.expired([lease], 130.0) == {lease}
