"""The calls of keys in DynamoDB: an admission is one conditional write to the item of its key.

`docs/adr/0005-exact-quotas.md` says what the item looks like and what a call costs.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core.errors import StoreUnavailableError
from shared.core.metering import quota
from shared.core.metering.models import Admission, Limits
from shared.core.metering.quota import Tally
from shared.storage.aws.items import ConditionError, Item, ItemClient, contended

_ATTEMPTS = 20
_CALLS = "calls "  # begins the ids of these items; the table holds sightings too
_NOT_PERIODS = frozenset({"id", "leases", "due_us"})


class DynamoUsage:
    """Implements `Usage`."""

    def __init__(self, client: ItemClient, table: str) -> None:
        self._client = client
        self._table = table

    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        """Count a call in its day, month and year, if `shared.core.metering.quota` lets it pass.

        The write is tried at once, as if nothing stood against it. Where its condition fails, the
        answer tells what is there, and so which limit it is. Only the write of a key with a rate
        depends on what is there: that is read first.

        Raises:
            LimitError: a limit is used up; nothing was changed.
            StoreUnavailableError: DynamoDB did not take the call; at worst it was counted.

        """
        key = _item_key(key_id)
        item = self._client.get(self._table, key) if limits.rate else {}
        lease = None if limits.in_flight is None else quota.new_lease(now, lease_s)
        for _ in range(_ATTEMPTS):
            tally = _tally(item)
            quota.check(limits, tally, now)
            if limits.in_flight is not None and len(tally.leases) >= limits.in_flight:
                given_up = quota.expired(tally.leases, now)
                self._client.update(
                    self._table, key, "DELETE leases :given_up", {":given_up": given_up}
                )
            write = _admission(limits, tally, now, lease)
            try:
                item = self._client.update(
                    self._table,
                    key,
                    write.expression,
                    write.values,
                    names=write.names,
                    condition=" AND ".join(write.conditions),
                )
            except ConditionError as error:
                item = error.item
                continue
            return self._admitted(key_id, item, now, lease)
        raise contended("calls of a key")

    def settle(self, admission: Admission, *, refund: bool) -> None:
        """End a call: it is in flight no more, and with `refund` it was never counted.

        A refund is asked for once: made twice, it would let a call too many pass.

        Raises:
            StoreUnavailableError: DynamoDB did not take the call.

        """
        parts: list[str] = []
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        if refund:
            parts.append("ADD #day :minus, #month :minus, #year :minus")
            names = _period_names(quota.periods_of(admission.day))
            values[":minus"] = -1
        if admission.lease:
            parts.append("DELETE leases :lease")
            values[":lease"] = {admission.lease}
        if not parts:
            return
        with contextlib.suppress(ConditionError):  # the key was deleted meanwhile
            self._client.update(
                self._table,
                _item_key(admission.key_id),
                " ".join(parts),
                values,
                names=names,
                condition="attribute_exists(id)",
                is_repeatable=not refund,
            )

    def counts(self, key_id: str) -> Mapping[str, int]:
        """Return the calls by day, month and year."""
        return _tally(self._client.get(self._table, _item_key(key_id))).counts

    def forget(self, key_id: str) -> None:
        """Forget the calls of a key."""
        self._client.delete(self._table, _item_key(key_id))

    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        """Drop what counts no more, item by item; yield how much that was.

        The table is read from its beginning each time; only items with something to drop are
        written, and those not again.

        Raises:
            StoreUnavailableError: DynamoDB did not take the call.

        """
        for page in self._client.scan_pages(self._table, is_consistent=False):
            for item in page:
                if item["id"].startswith(_CALLS):
                    yield self._drop_ended(item, before)
            yield {}

    def _admitted(self, key_id: str, item: Item, now: float, lease: str | None) -> Admission:
        counts = _tally(item).counts
        day, _, _ = quota.periods(now)
        if counts[day] == 1:
            self._forget_outdated(key_id, counts, now)
        return Admission(key_id, day, counts[day], lease)

    def _drop_ended(self, item: Item, before: float) -> Mapping[str, int]:
        """Drop by name what was read, so that what was added since stays."""
        tally = _tally(item)
        leases = quota.expired(tally.leases, before)
        periods = {f"#p{i}": name for i, name in enumerate(quota.outdated(tally.counts, before))}
        paces = ["due_us"] if 0 < tally.due_us <= quota.microseconds(before) else []
        parts: list[str] = []
        values: dict[str, Any] = {}
        conditions = ["attribute_exists(id)"]  # or a key that was deleted would get a new item
        if removed := [*periods, *paces]:
            parts.append(f"REMOVE {', '.join(removed)}")
        if leases:
            parts.append("DELETE leases :leases")
            values[":leases"] = leases
        if paces:
            conditions.append("due_us = :due")
            values[":due"] = tally.due_us
        if not parts:
            return {}
        try:
            self._client.update(
                self._table,
                {"id": item["id"]},
                " ".join(parts),
                values,
                names=periods,
                condition=" AND ".join(conditions),
            )
        except ConditionError:  # a call was paced just now; the next time is early enough
            return {}
        return {"leases": len(leases), "paces": len(paces), "periods": len(periods)}

    def _forget_outdated(self, key_id: str, counts: Mapping[str, int], now: float) -> None:
        """Keep the item small: a write costs by the kilobyte."""
        names = {f"#p{i}": name for i, name in enumerate(quota.outdated(counts, now))}
        if names:
            with contextlib.suppress(StoreUnavailableError):  # the call of another day does it
                self._client.update(
                    self._table, _item_key(key_id), f"REMOVE {', '.join(names)}", {}, names=names
                )


@dataclass(slots=True)
class _Write:
    """The parts of an UpdateItem that grow with the limits of a key."""

    adds: list[str]
    names: dict[str, str]
    values: dict[str, Any]
    sets: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)

    @property
    def expression(self) -> str:
        adds = f"ADD {', '.join(self.adds)}"
        return f"{adds} SET {', '.join(self.sets)}" if self.sets else adds


def _admission(limits: Limits, tally: Tally, now: float, lease: str | None) -> _Write:
    """Return the write that counts a call; its conditions say what `quota.check` says."""
    write = _Write(
        adds=["#day :one", "#month :one", "#year :one"],
        names=_period_names(quota.periods(now)),
        values={":one": 1},
    )
    for name, limit in (("day", limits.daily), ("month", limits.monthly), ("year", limits.yearly)):
        if limit is not None:
            write.conditions.append(f"(attribute_not_exists(#{name}) OR #{name} < :{name})")
            write.values[f":{name}"] = limit
    if lease:
        write.conditions.append("(attribute_not_exists(leases) OR size(leases) < :in_flight)")
        write.adds.append("leases :lease")
        write.values |= {":in_flight": limits.in_flight, ":lease": {lease}}
    if limits.rate:
        _pace(write, limits, tally, now)
    return write


def _pace(write: _Write, limits: Limits, tally: Tally, now: float) -> None:
    """Add what the rate asks for. An expression has no `max`, so there is one for each case."""
    assert limits.rate  # noqa: S101 - for the type checker
    write.values[":now"] = quota.microseconds(now)
    if tally.due_us <= quota.microseconds(now):
        write.conditions.append("(attribute_not_exists(due_us) OR due_us <= :now)")
        write.sets.append("due_us = :due")
        write.values[":due"] = quota.next_due_us(limits.rate, tally.due_us, now)
    else:
        write.conditions.append("due_us BETWEEN :now AND :latest")
        write.adds.append("due_us :interval")
        write.values[":latest"] = quota.latest_due_us(limits.rate, now)
        write.values[":interval"] = quota.interval_us(limits.rate)


def _item_key(key_id: str) -> Item:
    return {"id": f"{_CALLS}{key_id}"}


def _period_names(periods: Sequence[str]) -> dict[str, str]:
    return dict(zip(("#day", "#month", "#year"), periods, strict=True))


def _tally(item: Item) -> Tally:
    return Tally(
        counts={name: int(value) for name, value in item.items() if name not in _NOT_PERIODS},
        leases=frozenset(item.get("leases", ())),
        due_us=int(item.get("due_us", 0)),
    )
