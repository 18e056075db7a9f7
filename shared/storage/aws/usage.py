"""The calls of keys in DynamoDB: an admission is one conditional write to the item of its key.

`docs/adr/0005-exact-quotas.md` says what the item looks like and what a call costs.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from typing_extensions import override

from shared.core.errors import StoreUnavailableError
from shared.core.metering import quota
from shared.core.metering.models import Admission, Limits, Rate
from shared.core.metering.ports import Usage
from shared.core.metering.quota import Tally
from shared.storage.aws import dynamodb
from shared.storage.aws.dynamodb import ConditionError, DynamoDb, Item

_ATTEMPTS = 20
_CALLS = "calls "  # begins the ids of these items; the table holds those of `distinct`, too
_NOT_PERIODS = frozenset({"id", "leases", "due_us"})
_LEASES = Path("leases")


class DynamoUsage(Usage):
    """Implements `Usage`."""

    def __init__(self, client: DynamoDb, table: str) -> None:
        self._client = client
        self._table = table

    @override
    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        """Count a call in its day, month and year, if `shared.core.metering.quota` admits it.

        The write is tried at once, as if nothing stood against it. If its condition fails, the
        answer holds the item, and so shows which limit it is. Only the write of a key with a rate
        depends on the item, which is then read first.
        """
        key = _item_key(key_id)
        item = self._client.get(self._table, key) if limits.rate else {}
        lease = None if limits.in_flight is None else quota.new_lease(now, lease_s)
        for _ in range(_ATTEMPTS):
            tally = _tally(item)
            quota.check(limits, tally, now)
            if limits.in_flight is not None and len(tally.leases) >= limits.in_flight:
                self._update(key, [_LEASES.delete(set(quota.expired(tally.leases, now)))])
            actions, conditions = _admission(limits, tally, now, lease)
            try:
                item = self._update(key, actions, conditions)
            except ConditionError as error:
                item = error.item
                continue
            return self._admitted(key_id, item, now, lease)
        raise StoreUnavailableError("too many calls of the key at once")

    @override
    def settle(self, admission: Admission, *, refund: bool) -> None:
        """End a call: it is not in flight any more, and with `refund` it was never counted.

        A refund is sent only once: if it were applied twice, one call too many would pass.
        """
        actions: list[Action] = []
        if refund:
            actions += [Path(period).add(-1) for period in quota.periods_of(admission.day)]
        if admission.lease:
            actions.append(_LEASES.delete({admission.lease}))
        if actions:
            with contextlib.suppress(ConditionError):  # the key was deleted since
                self._update(
                    _item_key(admission.key_id),
                    actions,
                    [Path("id").exists()],
                    is_repeatable=not refund,
                )

    @override
    def counts(self, key_id: str) -> Mapping[str, int]:
        return _tally(self._client.get(self._table, _item_key(key_id))).counts

    @override
    def forget(self, key_id: str) -> None:
        self._client.write(dynamodb.delete(self._table, _item_key(key_id)))

    @override
    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        """Drop, item by item, what does not count any more; yield how much that was.

        The table is read from its beginning each time; only items with something to drop are
        written, and those not again.
        """
        for page in self._client.scan(self._table, is_consistent=False):
            for item in page:
                if item["id"].startswith(_CALLS):
                    yield self._drop_ended(item, before)
            yield {}

    def _admitted(self, key_id: str, item: Item, now: float, lease: str | None) -> Admission:
        counts = _tally(item).counts
        day, _, _ = quota.periods(now)
        outdated = quota.outdated(counts, now) if counts[day] == 1 else ()
        if outdated:  # keep the item small: a write costs by the kilobyte
            with contextlib.suppress(StoreUnavailableError):  # the call of another day does it
                self._update(_item_key(key_id), [Path(period).remove() for period in outdated])
        return Admission(key_id, day, counts[day], lease)

    def _drop_ended(self, item: Item, before: float) -> Mapping[str, int]:
        """Drop by name what was read, so that what was added since stays."""
        tally = _tally(item)
        leases = set(quota.expired(tally.leases, before))
        periods = quota.outdated(tally.counts, before)
        is_due = 0 < tally.due_us <= quota.microseconds(before)
        actions: list[Action] = [Path(period).remove() for period in periods]
        conditions: list[Condition] = [Path("id").exists()]  # or a deleted key would get a new item
        if leases:
            actions.append(_LEASES.delete(leases))
        if is_due:
            due = Path("due_us")
            actions.append(due.remove())
            conditions.append(due == tally.due_us)
        if not actions:
            return {}
        try:
            self._update({"id": item["id"]}, actions, conditions)
        except ConditionError:  # a call at the key's rate came in; the next time is early enough
            return {}
        return {"leases": len(leases), "paces": int(is_due), "periods": len(periods)}

    def _update(
        self,
        key: Item,
        actions: Sequence[Action],
        conditions: Sequence[Condition] = (),
        *,
        is_repeatable: bool = True,
    ) -> Item:
        write = dynamodb.update(self._table, key, actions, conditions=conditions)
        return self._client.write(write, is_repeatable=is_repeatable)


def _admission(
    limits: Limits, tally: Tally, now: float, lease: str | None
) -> tuple[list[Action], list[Condition]]:
    """Return the update that counts a call, and the conditions that `quota.check` checks."""
    periods = [Path(period) for period in quota.periods(now)]
    actions: list[Action] = [period.add(1) for period in periods]
    conditions: list[Condition] = [
        period.does_not_exist() | (period < limit)
        for period, limit in zip(
            periods, (limits.daily, limits.monthly, limits.yearly), strict=True
        )
        if limit is not None
    ]
    if lease:
        actions.append(_LEASES.add({lease}))
        has_room = size(_LEASES) < limits.in_flight  # type: ignore[no-untyped-call]
        conditions.append(_LEASES.does_not_exist() | has_room)
    if limits.rate:
        action, condition = _pace(limits.rate, tally, now)
        actions.append(action)
        conditions.append(condition)
    return actions, conditions


def _pace(rate: Rate, tally: Tally, now: float) -> tuple[Action, Condition]:
    """Return what a rate adds. An expression has no `max`, so there is one for each case."""
    due, now_us = Path("due_us"), quota.microseconds(now)
    if tally.due_us <= now_us:
        next_due_us = quota.next_due_us(rate, tally.due_us, now)
        return due.set(next_due_us), due.does_not_exist() | (due <= now_us)
    return due.add(quota.interval_us(rate)), due.between(now_us, quota.latest_due_us(rate, now))


def _item_key(key_id: str) -> Item:
    return {"id": f"{_CALLS}{key_id}"}


def _tally(item: Item) -> Tally:
    return Tally(
        counts={name: value for name, value in item.items() if name not in _NOT_PERIODS},
        leases=frozenset(item.get("leases", ())),
        due_us=item.get("due_us", 0),
    )
