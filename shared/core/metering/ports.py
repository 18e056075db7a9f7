"""Where keys and their calls are kept; `shared.storage` provides it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from shared.core.metering.models import Admission, ApiKey, DistinctLimit, KeyEvent, Limits


class Keys(Protocol):
    """API keys, known by the keyed hash of their text alone, and the log of what was done."""

    def lookup(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name."""

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store keys, in place of those with their hashes, and forget the keys of other hashes.

        The event is logged in the same step: all of it is done, or nothing.
        """

    def events(self) -> tuple[KeyEvent, ...]:
        """Return what was done, the oldest first."""


class Usage(Protocol):
    """The calls of keys: counted, limited, and exact under any concurrency of any processes."""

    def admit(self, key_id: str, limits: Limits, *, now: float, lease_s: float) -> Admission:
        """Count a call in its day, month and year if `metering.quota` admits it, in one step.

        Args:
            key_id: of the key.
            limits: what it may do.
            now: in seconds since 1970, UTC.
            lease_s: the call is in flight until it is settled, or else so many seconds.

        Raises:
            LimitError: a limit is used up; nothing was changed.
            StoreUnavailableError: the store did not take the call; at worst it was counted.
        """

    def settle(self, admission: Admission, *, refund: bool) -> None:
        """End a call: it is in flight no more, and with `refund` it was never counted.

        To be called once. It writes nothing where neither applies.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """

    def counts(self, key_id: str) -> Mapping[str, int]:
        """Return the calls by day ("2026-01-31"), month ("2026-01") and year ("2026")."""

    def forget(self, key_id: str) -> None:
        """Forget the calls of a key."""

    def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
        """Drop, a little at a time, what counts no more; yield each time how much that was.

        That is `leases` of calls that nobody ended, `paces` whose next call was due, and `periods`
        that are not kept, all as they were before a time (seconds since 1970, UTC). It disturbs no
        call that is made meanwhile, can be broken off anywhere, and run by two processes at once.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """


class DistinctTracker(Protocol):
    """Who was seen with whom: the addresses of a key, the keys of an address."""

    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
        """Return whether `other` is one of those that may be seen with the subject, and note it.

        One that was noted within the window costs no write; one too many is not noted.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """

    def forget(self, subject: str) -> None:
        """Forget whom the subject was seen with."""

    def clean_up(self, before: float) -> Iterator[int]:
        """Drop, a little at a time, those that counted until before a time; yield how many.

        Where the store itself drops them there is nothing to do.

        Raises:
            StoreUnavailableError: the store did not take the call.
        """
