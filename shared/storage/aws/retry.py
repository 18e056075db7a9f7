"""Retries with exponential backoff and full jitter.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.core.errors import StoreUnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, and the longest pauses before its second and its last attempt."""

    attempts: int = 10
    first_pause_s: float = 0.05
    max_pause_s: float = 1.0

    def call(self, step: Callable[[], T], *, on: type[Exception] = StoreUnavailableError) -> T:
        """Return what the step returns; try it again after an error of the class `on`.

        Raises:
            StoreUnavailableError: it failed at every attempt.
        """
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(self._pause_s(attempt))
            try:
                return step()
            except on as error:
                last = error
        raise StoreUnavailableError("DynamoDB did not take the call") from last

    def _pause_s(self, attempt: int) -> float:
        longest = min(self.max_pause_s, self.first_pause_s * 2 ** (attempt - 1))
        return random.uniform(0, longest)  # noqa: S311 - spreads load, keeps no secret
