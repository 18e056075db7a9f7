"""What fires events here: folders, the change log and a clock, or the queue and stream of AWS.

Each trigger has one method, `poll`, which fires what is due and tells whether more may be waiting.
It is called by one thread at a time.
"""

from typing import Protocol


class Trigger(Protocol):
    """Something that fires events."""

    def poll(self) -> bool:
        """Fire what is due, a batch at most; tell whether more may be waiting."""
