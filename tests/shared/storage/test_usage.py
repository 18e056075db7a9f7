"""The contract of the port `Usage`, for the fake and for both adapters."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.in_memory import InMemoryUsage
from shared.core.errors import (
    ConcurrencyLimitError,
    DailyLimitError,
    LimitError,
    MonthlyLimitError,
    YearlyLimitError,
)
from shared.core.metering.models import Admission, Limits, Rate
from shared.core.metering.ports import Usage
from shared.storage.aws.usage import DynamoUsage
from shared.storage.local.database import Database
from shared.storage.local.usage import SqliteUsage
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo

NOON = datetime(2026, 1, 31, 3, tzinfo=UTC).timestamp()  # in Korea
MIDNIGHT = datetime(2026, 1, 31, 15, tzinfo=UTC).timestamp()  # in Korea: February begins
NEW_YEAR = datetime(2025, 12, 31, 15, tzinfo=UTC).timestamp()  # in Korea: 2026 begins
LEASE_S = 90.0
UNLIMITED = Limits(daily=None)


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def usage(request: pytest.FixtureRequest, tmp_path: Path) -> Usage:
    if request.param == "fake":
        return InMemoryUsage()
    if request.param == "sqlite":
        return SqliteUsage(Database(tmp_path))
    dynamo: Dynamo = request.getfixturevalue("dynamo")
    return DynamoUsage(access_tables.create(dynamo), access_tables.USAGE)


def admit(usage: Usage, limits: Limits = UNLIMITED, now: float = NOON, key: str = "k") -> Admission:
    return usage.admit(key, limits, now=now, lease_s=LEASE_S)


def test_counts_a_call_in_its_day_month_and_year(usage: Usage) -> None:
    first, second = admit(usage), admit(usage)
    assert (first.day, first.used_today, first.lease) == ("2026-01-31", 1, None)
    assert second.used_today == 2
    assert usage.counts("k") == {"2026-01-31": 2, "2026-01": 2, "2026": 2}


def test_counts_each_key_separately(usage: Usage) -> None:
    admit(usage, key="one")
    admit(usage, key="other")
    assert usage.counts("one")["2026"] == 1
    assert usage.counts("nobody") == {}


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (Limits(daily=2, monthly=2, yearly=2), DailyLimitError),
        (Limits(daily=None, monthly=2, yearly=2), MonthlyLimitError),
        (Limits(daily=9, monthly=9, yearly=2), YearlyLimitError),
        (Limits(daily=2, in_flight=2), ConcurrencyLimitError),
        (Limits(daily=2, rate=Rate(1, burst=2)), ConcurrencyLimitError),
    ],
)
def test_the_first_limit_in_order_refuses(
    usage: Usage, limits: Limits, error: type[LimitError]
) -> None:
    admit(usage, limits)
    admit(usage, limits)
    before = dict(usage.counts("k"))
    with pytest.raises(error) as refused:
        admit(usage, limits)
    assert refused.value.used_today == 2
    assert usage.counts("k") == before


@pytest.mark.parametrize(
    "limits", [Limits(daily=0), Limits(monthly=0), Limits(yearly=0)], ids=["day", "month", "year"]
)
def test_a_limit_of_zero_refuses_every_call(usage: Usage, limits: Limits) -> None:
    with pytest.raises(LimitError):
        admit(usage, limits)
    assert usage.counts("k") == {}


def test_a_limit_that_is_raised_lets_calls_pass_again(usage: Usage) -> None:
    admit(usage, Limits(daily=1))
    with pytest.raises(DailyLimitError):
        admit(usage, Limits(daily=1))
    assert admit(usage, Limits(daily=2)).used_today == 2
    with pytest.raises(DailyLimitError):
        admit(usage, Limits(daily=1))


def test_a_refunded_call_was_never_counted(usage: Usage) -> None:
    admit(usage, Limits(daily=2))
    usage.settle(admit(usage, Limits(daily=2)), refund=True)
    assert usage.counts("k") == {"2026-01-31": 1, "2026-01": 1, "2026": 1}
    admit(usage, Limits(daily=2))


def test_a_served_call_stays_counted(usage: Usage) -> None:
    usage.settle(admit(usage), refund=False)
    assert usage.counts("k")["2026"] == 1


@pytest.mark.parametrize(
    ("limits", "turn", "error"),
    [
        (Limits(daily=1), MIDNIGHT, DailyLimitError),
        (Limits(monthly=1), MIDNIGHT, MonthlyLimitError),
        (Limits(yearly=1), NEW_YEAR, YearlyLimitError),
    ],
)
def test_a_limit_is_renewed_at_midnight_in_korea(
    usage: Usage, limits: Limits, turn: float, error: type[LimitError]
) -> None:
    admit(usage, limits, now=turn - 0.001)
    with pytest.raises(error):
        admit(usage, limits, now=turn - 0.001)
    assert admit(usage, limits, now=turn).used_today == 1
    with pytest.raises(LimitError):
        admit(usage, limits, now=turn)


def test_a_call_over_midnight_counts_on_the_day_it_began(usage: Usage) -> None:
    served, failed = (admit(usage, now=MIDNIGHT - 1) for _ in range(2))
    admit(usage, now=MIDNIGHT + 1)
    usage.settle(served, refund=False)
    usage.settle(failed, refund=True)
    assert usage.counts("k") == {
        "2026-01-31": 1, "2026-01": 1, "2026-02-01": 1, "2026-02": 1, "2026": 2,
    }  # fmt: skip


def test_days_and_months_are_forgotten_after_a_while_and_years_never(usage: Usage) -> None:
    day = timedelta(days=1).total_seconds()
    admit(usage, now=NOON - 400 * day)
    admit(usage, now=NOON - 31 * day)
    admit(usage, now=NOON - 32 * day)
    admit(usage)
    assert usage.counts("k") == {
        "2025-12-31": 1, "2026-01-31": 1, "2025-12": 2, "2024-12": 1, "2026-01": 1,
        "2024": 1, "2025": 2, "2026": 1,
    }  # fmt: skip
    admit(usage, now=NOON + day)
    assert "2025-12-31" not in usage.counts("k")
    assert "2024-12" not in usage.counts("k")


def test_a_settled_call_makes_room_for_another(usage: Usage) -> None:
    limits = replace(UNLIMITED, in_flight=1)
    first = admit(usage, limits)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits)
    usage.settle(first, refund=False)
    second = admit(usage, limits)
    usage.settle(second, refund=True)
    admit(usage, limits)
    assert usage.counts("k")["2026"] == 2


def test_an_abandoned_call_ends_with_its_lease(usage: Usage) -> None:
    limits = replace(UNLIMITED, in_flight=2)
    lost = admit(usage, limits)
    admit(usage, limits, now=NOON + 10)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + LEASE_S - 0.001)
    admit(usage, limits, now=NOON + LEASE_S)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + LEASE_S)
    usage.settle(lost, refund=False)  # it lived after all, and takes away nobody's lease
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + LEASE_S)


def test_a_rate_allows_a_burst_and_then_its_pace(usage: Usage) -> None:
    limits = replace(UNLIMITED, rate=Rate(per_second=4, burst=3))
    for _ in range(3):
        admit(usage, limits)
    for early in (0.0, 0.2499):
        with pytest.raises(ConcurrencyLimitError):
            admit(usage, limits, now=NOON + early)
    admit(usage, limits, now=NOON + 0.25)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + 0.25)
    for _ in range(3):  # after a rest, a burst again and no more
        admit(usage, limits, now=NOON + 60)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + 60)


def test_a_refund_does_not_slow_the_pace_down_or_up(usage: Usage) -> None:
    limits = replace(UNLIMITED, rate=Rate(per_second=1))
    usage.settle(admit(usage, limits), refund=True)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + 0.5)
    admit(usage, limits, now=NOON + 1)


def test_a_forgotten_key_stays_forgotten(usage: Usage) -> None:
    limits = Limits(in_flight=1, rate=Rate(1))
    open_call = admit(usage, limits)
    usage.forget("k")
    usage.settle(open_call, refund=True)
    assert usage.counts("k") == {}
    admit(usage, limits)


def dropped(usage: Usage, before: float) -> dict[str, int]:
    """Clean up to the end; return how much of what was dropped."""
    total: Counter[str] = Counter()
    for some in usage.clean_up(before):
        total.update(some)
    return dict(+total)


def test_cleaning_up_drops_what_does_not_count_any_more(usage: Usage) -> None:
    limits = replace(UNLIMITED, in_flight=2, rate=Rate(1))
    for key in ("one", "other"):
        admit(usage, limits, now=NEW_YEAR - 31 * 86_400, key=key)
        usage.settle(admit(usage, now=NEW_YEAR - 400 * 86_400, key=key), refund=False)
    assert dropped(usage, NOON) == {"leases": 2, "paces": 2, "periods": 6}
    assert usage.counts("one") == usage.counts("other") == {"2024": 1, "2025": 1, "2025-12": 1}
    assert dropped(usage, NOON) == {}


def test_cleaning_up_keeps_what_counts(usage: Usage) -> None:
    limits = Limits(in_flight=1, rate=Rate(0.01, burst=2))
    served = admit(usage, limits)
    before = dict(usage.counts("k"))
    assert dropped(usage, NOON + LEASE_S - 1) == {}
    assert usage.counts("k") == before
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, now=NOON + LEASE_S - 1)
    usage.settle(served, refund=False)
    admit(usage, limits)
    with pytest.raises(ConcurrencyLimitError):  # the burst is used up
        admit(usage, replace(limits, in_flight=None))


def test_cleaning_up_can_be_interrupted_and_repeated(usage: Usage) -> None:
    for number in range(5):
        admit(usage, Limits(in_flight=1), now=NEW_YEAR, key=f"key {number}")
    total: Counter[str] = Counter()
    for _ in range(20):
        for some in usage.clean_up(NOON):
            total.update(some)
            if some.get("leases"):
                break
    assert total["leases"] == 5
    assert dropped(usage, NOON) == {}


def test_a_call_that_outlived_its_lease_ends_like_any_other(usage: Usage) -> None:
    late = admit(usage, Limits(in_flight=1))
    assert dropped(usage, NOON + LEASE_S) == {"leases": 1}
    usage.settle(late, refund=True)
    assert usage.counts("k")["2026"] == 0


def test_cleaning_up_does_not_disturb_concurrent_calls(usage: Usage) -> None:
    limits = Limits(daily=None, in_flight=4)
    for _ in range(4):
        admit(usage, limits, now=NOON - 3600)  # their process died

    def call(number: int) -> None:
        if number % 4:
            usage.settle(admit(usage, limits), refund=False)
        else:
            dropped(usage, NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, range(40)))
    assert usage.counts("k")["2026"] == 34
    assert outcomes(9, lambda: admit(usage, limits)) == 4


def outcomes(count: int, call: Callable[[], object]) -> int:
    """Make calls in 8 threads at once; return how many were let in."""

    def attempt(_: int) -> bool:
        try:
            call()
        except LimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(attempt, range(count)))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(daily=10),
        Limits(daily=None, monthly=10),
        Limits(daily=None, yearly=10),
        Limits(in_flight=10),
        Limits(rate=Rate(0.001, burst=10)),
        Limits(daily=10, monthly=10, yearly=10, in_flight=10, rate=Rate(0.001, burst=10)),
    ],
    ids=["day", "month", "year", "in flight", "rate", "all"],
)
def test_ten_of_forty_concurrent_calls_pass(usage: Usage, limits: Limits) -> None:
    assert outcomes(40, lambda: admit(usage, limits)) == 10
    assert usage.counts("k") == {"2026-01-31": 10, "2026-01": 10, "2026": 10}


def test_concurrent_calls_and_refunds_keep_the_counts_exact(usage: Usage) -> None:
    limits = Limits(daily=6, in_flight=4)
    served: list[Admission] = []

    def call() -> None:
        admission = admit(usage, limits)
        is_served = hash(admission.lease) % 2 == 0
        usage.settle(admission, refund=not is_served)
        if is_served:
            served.append(admission)

    outcomes(60, call)
    assert usage.counts("k")["2026-01-31"] == len(served) <= 6
    assert outcomes(20, lambda: admit(usage, replace(limits, daily=None))) == 4
