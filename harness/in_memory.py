"""In-memory keys, usage and distinct tracker: what an App needs to check and count its calls."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import override

from shared.core.metering import quota
from shared.core.metering.models import Admission, ApiKey, DistinctLimit, KeyEvent, Limits
from shared.core.metering.ports import DistinctTracker, Keys, Usage
from shared.core.metering.quota import Tally


class InMemoryKeys(Keys):
    """Implements `Keys`."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._events: list[KeyEvent] = []

    @override
    def lookup(self, key_hash: str) -> ApiKey | None:
        return self._keys.get(key_hash)

    def put(self, key: ApiKey) -> None:
        """Store a key without an event."""
        self._keys[key.key_hash] = key

    @override
    def list_all(self) -> tuple[ApiKey, ...]:
        keys = self._keys.values()
        return tuple(sorted(keys, key=lambda key: (key.name, key.created_at, key.key_hash)))

    @override
    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        for key in put:
            self.put(key)
        for key_hash in delete:
            self._keys.pop(key_hash, None)
        self._events.append(event)

    @override
    def events(self) -> tuple[KeyEvent, ...]:
        return tuple(sorted(self._events, key=lambda event: event.at))


class InMemoryUsage(Usage):
    """Implements `Usage`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._leases: defaultdict[str, set[str]] = defaultdict(set)
        self._due_us: defaultdict[str, int] = defaultdict(int)

    @override
    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        day, _, _ = periods = quota.periods(now)
        with self._lock:
            counts, leases = self._counts[key_id], self._leases[key_id]
            quota.check(limits, Tally(counts, frozenset(leases), self._due_us[key_id]), now)
            for outdated in quota.outdated(counts, now):
                del counts[outdated]
            counts.update(periods)
            if limits.rate:
                self._due_us[key_id] = quota.next_due_us(limits.rate, self._due_us[key_id], now)
            if limits.in_flight is None:
                return Admission(key_id, day, counts[day], None)
            lease = quota.new_lease(now, lease_s)
            leases.add(lease)
            return Admission(key_id, day, counts[day], lease)

    @override
    def settle(self, admission: Admission, *, refund: bool) -> None:
        with self._lock:
            if refund and admission.key_id in self._counts:
                self._counts[admission.key_id].subtract(quota.periods_of(admission.day))
            self._leases[admission.key_id].discard(admission.lease or "")

    @override
    def counts(self, key_id: str) -> Mapping[str, int]:
        return dict(self._counts[key_id])

    @override
    def forget(self, key_id: str) -> None:
        for state in (self._counts, self._leases, self._due_us):
            state.pop(key_id, None)

    @override
    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        with self._lock:
            dropped: Counter[str] = Counter()
            for counts in self._counts.values():
                for period in quota.outdated(counts, before):
                    del counts[period]
                    dropped["periods"] += 1
            for leases in self._leases.values():
                expired = quota.expired(leases, before)
                leases.difference_update(expired)
                dropped["leases"] += len(expired)
            for key_id, due_us in list(self._due_us.items()):
                if 0 < due_us <= quota.microseconds(before):
                    del self._due_us[key_id]
                    dropped["paces"] += 1
        yield dropped


class InMemoryDistinctTracker(DistinctTracker):
    """Implements `DistinctTracker`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: defaultdict[str, dict[str, float]] = defaultdict(dict)

    @override
    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
        with self._lock:
            seen = {name: end for name, end in self._seen[subject].items() if end > now}
            if other not in seen and len(seen) >= limit.most:
                return False
            self._seen[subject] = {other: now + limit.window_s, **seen}
            return True

    @override
    def forget(self, subject: str) -> None:
        self._seen.pop(subject, None)

    @override
    def clean_up(self, before: float) -> Iterator[int]:
        with self._lock:
            expired = [
                (subject, other)
                for subject, seen in self._seen.items()
                for other, end in seen.items()
                if end <= before
            ]
            for subject, other in expired:
                del self._seen[subject][other]
        yield len(expired)
