"""A clock, told to a function as an EventBridge schedule."""

import contextlib
import time
import uuid
from collections.abc import Callable

from local_runner.functions import Call, FunctionError
from local_runner.triggers import events

_FIRST_S = 5.0  # after the start, when what is in a hurry is done


class Timer:
    """Fires shortly after it was made, and from then on after each interval."""

    def __init__(
        self, rule: str, call: Call, *, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rule = rule
        self._call = call
        self._every_s = every_s
        self._clock = clock
        self._due_at = clock() + _FIRST_S

    def poll(self) -> bool:
        """Fire if it is time; intervals that were missed are not made up for.

        A function that fails is called again after the interval.
        """
        now = self._clock()
        if now < self._due_at:
            return False
        self._due_at = now + self._every_s
        with contextlib.suppress(FunctionError):
            self._call(events.tick(self._rule, identity=str(uuid.uuid4())))
        return False
