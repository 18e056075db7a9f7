"""Invokes a function at regular intervals, like an EventBridge schedule."""

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from local_runner.functions import FunctionError, Invoke
from local_runner.triggers import events

_FIRST_S = 5.0  # after the start, when urgent work is done


@dataclass
class Timer:
    """Fires shortly after the start, and then after each interval."""

    rule: str
    invoke: Invoke
    every_s: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._due_at = self.clock() + _FIRST_S

    def poll(self) -> bool:
        """Invoke the function if it is time.

        Missed intervals are skipped. A function that fails is invoked again after the interval.
        """
        now = self.clock()
        if now < self._due_at:
            return False
        self._due_at = now + self.every_s
        with contextlib.suppress(FunctionError):
            self.invoke(events.tick(self.rule, identity=str(uuid.uuid4())))
        return False
