"""A point in time after which a call is given up."""

import time
from dataclasses import dataclass

from shared.core.errors import AnalysisTimeoutError


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an analysis must have ended, on the monotonic clock, in seconds."""

    expires_at: float

    @classmethod
    def after(cls, timeout_s: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + timeout_s)

    @property
    def has_passed(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() > self.expires_at

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            AnalysisTimeoutError: the deadline has passed.

        """
        if self.has_passed:
            raise AnalysisTimeoutError
