"""The cost of a call in DynamoDB, and the effect of network faults on the counts."""

import contextlib
from collections import Counter
from dataclasses import replace

import pytest

from local_runner.template import resource_properties
from shared.core.errors import ConcurrencyLimitError, LimitError, StoreUnavailableError
from shared.core.metering.models import Admission, DistinctLimit, Limits, Rate
from shared.storage.aws.distinct import DynamoDistinctTracker
from shared.storage.aws.dynamodb import DynamoDb, Item
from shared.storage.aws.usage import DynamoUsage
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo, Fault

NOON = 1_769_828_400.0  # in Korea, on 2026-01-31
DAY_S = 86_400
KILOBYTE = 1024
LOST_ANSWER = Fault("UpdateItem", status=500, code="InternalServerError", lost_answer=True)


@pytest.fixture
def client(dynamo: Dynamo) -> DynamoDb:
    return access_tables.create(dynamo)


@pytest.fixture
def usage(client: DynamoDb) -> DynamoUsage:
    return DynamoUsage(client, access_tables.USAGE)


def admit(usage: DynamoUsage, limits: Limits, now: float = NOON) -> Admission:
    return usage.admit("k", limits, now=now, lease_s=90)


def requests(dynamo: Dynamo) -> Counter[str]:
    """Return how often each operation was called since the last time."""
    counted = Counter(operation for operation, _ in dynamo.transport.requests)
    dynamo.transport.requests.clear()
    return counted


def test_a_served_call_is_one_write(dynamo: Dynamo, usage: DynamoUsage) -> None:
    for _ in range(3):
        usage.settle(admit(usage, Limits(daily=9, monthly=99, yearly=999)), refund=False)
        assert requests(dynamo) == {"UpdateItem": 1}


def test_a_failed_call_is_two_writes(dynamo: Dynamo, usage: DynamoUsage) -> None:
    usage.settle(admit(usage, Limits(in_flight=1)), refund=True)
    assert requests(dynamo) == {"UpdateItem": 2}


def test_a_call_in_flight_is_two_writes(dynamo: Dynamo, usage: DynamoUsage) -> None:
    usage.settle(admit(usage, Limits(in_flight=1)), refund=False)
    assert requests(dynamo) == {"UpdateItem": 2}


def test_a_call_with_a_rate_is_one_read_and_one_write(dynamo: Dynamo, usage: DynamoUsage) -> None:
    for _ in range(3):
        admit(usage, Limits(rate=Rate(1, burst=3)))
        assert requests(dynamo) == {"GetItem": 1, "UpdateItem": 1}
    with contextlib.suppress(LimitError):
        admit(usage, Limits(rate=Rate(1, burst=3)))
    assert requests(dynamo) == {"GetItem": 1}


class Overtaken(DynamoDb):
    """Reads an item as it was before others wrote it."""

    def __init__(self, seen: Item) -> None:
        super().__init__()
        self._seen = seen

    def get(self, table: str, key: Item) -> Item:
        return self._seen


@pytest.mark.parametrize("seen_after", [0, 1, 2])
def test_a_burst_is_exact_even_after_an_outdated_read(
    client: DynamoDb, usage: DynamoUsage, seen_after: int
) -> None:
    limits = Limits(rate=Rate(1, burst=3))
    seen: Item = {}
    for call in range(3):
        if call == seen_after:
            seen = client.get(access_tables.USAGE, {"id": "calls k"})
        admit(usage, limits)
    with pytest.raises(ConcurrencyLimitError):
        admit(DynamoUsage(Overtaken(seen), access_tables.USAGE), limits)
    assert usage.counts("k")["2026"] == 3
    admit(DynamoUsage(Overtaken(seen), access_tables.USAGE), limits, now=NOON + 1)


def test_a_refused_call_is_one_write_that_fails(dynamo: Dynamo, usage: DynamoUsage) -> None:
    admit(usage, Limits(daily=1))
    requests(dynamo)
    with pytest.raises(LimitError):
        admit(usage, Limits(daily=1))
    assert requests(dynamo) == {"UpdateItem": 1}


def test_an_address_that_was_seen_costs_no_write(dynamo: Dynamo, client: DynamoDb) -> None:
    tracker = DynamoDistinctTracker(client, access_tables.USAGE)
    for written in (1, 0, 0):
        tracker.note("key k", "10.0.0.1", limit=DistinctLimit(3, 60), now=NOON)
        assert requests(dynamo)["UpdateItem"] == written


def test_an_item_expires_with_its_last_entry(dynamo: Dynamo, client: DynamoDb) -> None:
    tracker = DynamoDistinctTracker(client, access_tables.USAGE)
    tracker.note("key k", "a", limit=DistinctLimit(3, 60), now=NOON)
    tracker.note("key k", "b", limit=DistinctLimit(3, 60), now=NOON + 30)
    time_to_live = resource_properties(access_tables.USAGE)["TimeToLiveSpecification"]
    assert time_to_live["Enabled"]
    item = client.get(access_tables.USAGE, {"id": "key k"})
    assert item[time_to_live["AttributeName"]] == NOON + 90


def test_the_item_of_a_key_stays_under_a_kilobyte(client: DynamoDb, usage: DynamoUsage) -> None:
    limits = Limits(daily=None, in_flight=4, rate=Rate(1, burst=9))
    for day in [*range(-450, 0, 30), *range(40)]:
        admission = admit(usage, limits, now=NOON + day * DAY_S)
        if day < 36:
            usage.settle(admission, refund=False)
    item = client.get(access_tables.USAGE, {"id": "calls k"})
    size = sum(len(name) + _size(value) for name, value in item.items())
    assert (len(item["leases"]), len(item)) == (4, 3 + 32 + 14 + 3)
    assert size + 5 * len(item) < KILOBYTE  # ten digits more are five bytes


def test_cleaning_up_writes_only_what_it_drops(dynamo: Dynamo, usage: DynamoUsage) -> None:
    admit(usage, Limits(in_flight=1))
    usage.admit("other", Limits(), now=NOON, lease_s=90)
    requests(dynamo)
    for writes in (1, 0):
        list(usage.clean_up(NOON + 90))
        assert requests(dynamo) == {"Scan": 1, **({"UpdateItem": 1} if writes else {})}


def test_cleaning_up_keeps_distinct_addresses(client: DynamoDb, usage: DynamoUsage) -> None:
    tracker = DynamoDistinctTracker(client, access_tables.USAGE)
    tracker.note("key k", "a", limit=DistinctLimit(1, 60), now=NOON)
    before = client.get(access_tables.USAGE, {"id": "key k"})
    list(usage.clean_up(NOON + 500 * DAY_S))
    assert list(tracker.clean_up(NOON + 500 * DAY_S)) == []
    assert client.get(access_tables.USAGE, {"id": "key k"}) == before


def test_cleaning_up_does_not_recreate_a_deleted_key(
    dynamo: Dynamo, client: DynamoDb, usage: DynamoUsage
) -> None:
    admit(usage, Limits(in_flight=1))
    dynamo.transport.before("UpdateItem", lambda: usage.forget("k"))
    assert list(usage.clean_up(NOON + 90)) == [{}, {}]
    assert client.get(access_tables.USAGE, {"id": "calls k"}) == {}


def test_cleaning_up_keeps_the_pace_of_a_concurrent_call(
    dynamo: Dynamo, usage: DynamoUsage
) -> None:
    limits = Limits(rate=Rate(1, burst=1))
    admit(usage, limits)
    dynamo.transport.before("UpdateItem", lambda: admit(usage, limits, NOON + 5))
    list(usage.clean_up(NOON + 5))
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, NOON + 5.5)


def test_cleaning_up_keeps_the_lease_of_a_concurrent_call(
    dynamo: Dynamo, usage: DynamoUsage
) -> None:
    limits = Limits(in_flight=2)
    admit(usage, limits)
    dynamo.transport.before("UpdateItem", lambda: admit(usage, limits, NOON + 90))
    list(usage.clean_up(NOON + 90))
    admit(usage, limits, NOON + 91)
    with pytest.raises(ConcurrencyLimitError):
        admit(usage, limits, NOON + 91)


def _size(value: object) -> int:
    return sum(len(part) for part in value) if isinstance(value, set) else len(str(value))


def test_a_throttled_call_is_retried(dynamo: Dynamo, usage: DynamoUsage) -> None:
    dynamo.transport.faults += [Fault("UpdateItem"), Fault("UpdateItem")]
    admit(usage, Limits())
    assert usage.counts("k")["2026"] == 1


def test_a_call_that_is_always_throttled_is_an_error(dynamo: Dynamo, usage: DynamoUsage) -> None:
    dynamo.transport.faults += [Fault("UpdateItem") for _ in range(3)]
    with pytest.raises(StoreUnavailableError):
        admit(usage, Limits())
    assert usage.counts("k") == {}


def test_a_lost_answer_counts_at_most_one_call_too_many(dynamo: Dynamo, usage: DynamoUsage) -> None:
    dynamo.transport.faults.append(replace(LOST_ANSWER))
    admit(usage, Limits())
    assert usage.counts("k")["2026"] == 2


def test_a_refund_is_not_retried(dynamo: Dynamo, usage: DynamoUsage) -> None:
    admit(usage, Limits())
    failed = admit(usage, Limits())
    dynamo.transport.faults.append(replace(LOST_ANSWER))
    with pytest.raises(StoreUnavailableError):
        usage.settle(failed, refund=True)
    assert usage.counts("k")["2026"] == 1


def test_a_release_is_retried(dynamo: Dynamo, usage: DynamoUsage) -> None:
    served = admit(usage, Limits(in_flight=1))
    dynamo.transport.faults.append(Fault("UpdateItem"))
    usage.settle(served, refund=False)
    admit(usage, Limits(in_flight=1))


def test_other_errors_are_not_hidden(dynamo: Dynamo, usage: DynamoUsage) -> None:
    dynamo.transport.faults.append(Fault("UpdateItem", code="AccessDeniedException"))
    with pytest.raises(Exception, match="AccessDenied"):
        admit(usage, Limits())
