"""The triggers of template.yaml outside of Lambda: what Lambda and AWS do there, pollers do here.

With the local backend a folder, the SQLite store and a clock fire events; with AWS the queue, the
stream of a table and a clock do.
"""

from typing import Protocol


class Poller(Protocol):
    """Looks for events of one trigger and invokes its function; used by one thread at a time."""

    def poll(self) -> bool:
        """Invoke the function with at most one batch; return whether more may be waiting."""
