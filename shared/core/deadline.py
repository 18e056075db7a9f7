"""The time by which an analysis must have ended."""

import time
from dataclasses import dataclass

from shared.core.errors import AnalysisTimeoutError


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time by which an analysis must have ended, in seconds on the monotonic clock."""

    expires_at: float

    @classmethod
    def after(cls, timeout_s: float) -> "Deadline":
        """Return a deadline `timeout_s` seconds from now."""
        return cls(time.monotonic() + timeout_s)

    @property
    def has_passed(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() > self.expires_at

    def check(self) -> None:
        """Raise an error if there is no time left.

        Raises:
            AnalysisTimeoutError: the deadline has passed.
        """
        if self.has_passed:
            raise AnalysisTimeoutError
