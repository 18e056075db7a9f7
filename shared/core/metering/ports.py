"""Ports to the stores of keys and their usage; `shared.storage` implements them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from shared.core.metering.models import Admission, ApiKey, DistinctLimit, KeyEvent, Limits


class Keys(Protocol):
    """API keys, known only by the keyed hash of their value, and the log of their changes.

    Every method raises StoreUnavailableError if the store does not answer.
    """

    def lookup(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store keys, replacing those with the same hashes, and delete the keys of other hashes.

        The event is logged in the same step: everything is done, or nothing.
        """

    def events(self) -> tuple[KeyEvent, ...]:
        """Return the log, oldest first."""


class Usage(Protocol):
    """The calls of keys: counted, limited, and exact even if many processes count at once."""

    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        """Count a call in its day, month and year if `metering.quota` admits it, in one step.

        Args:
            key_id: of the key.
            limits: what it may do.
            now: in seconds since 1970, UTC.
            lease_s: how long the call counts as in flight if it is never settled, in seconds.

        Raises:
            LimitError: a limit is used up; nothing was changed.
            StoreUnavailableError: the store did not answer; at worst the call was counted.
        """

    def settle(self, admission: Admission, *, refund: bool) -> None:
        """End a call: it is no longer in flight, and with `refund` no longer counted.

        Call it once. It writes nothing if neither applies.

        Raises:
            StoreUnavailableError: the store did not answer.
        """

    def counts(self, key_id: str) -> Mapping[str, int]:
        """Return the calls by day ("2026-01-31"), month ("2026-01") and year ("2026")."""

    def forget(self, key_id: str) -> None:
        """Delete the usage of a key."""

    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        """Delete what no longer counts, a little at a time; yield how much each time.

        This is `leases` of abandoned calls, `paces` that have run out, and old `periods`, as of a
        time (seconds since 1970, UTC). It does not disturb concurrent calls, can be interrupted
        anywhere, and can be run by two processes at once.

        Raises:
            StoreUnavailableError: the store did not answer.
        """


class DistinctTracker(Protocol):
    """Tracks the distinct addresses of each key, and the distinct keys of each address."""

    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
        """Return whether the limit of the subject allows `other`, and record it if so.

        A value that was recorded within the window costs no write.

        Raises:
            StoreUnavailableError: the store did not answer.
        """

    def forget(self, subject: str) -> None:
        """Delete the values of a subject."""

    def clean_up(self, before: float) -> Iterator[int]:
        """Delete values that expired before a time, a little at a time; yield how many each time.

        There is nothing to do if the store itself deletes them.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
