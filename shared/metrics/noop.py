"""No metrics: what is counted is forgotten."""

from contextlib import AbstractContextManager, nullcontext

from shared.core.metrics import Counter, Histogram


class NoopMetrics:
    """Implements `Metrics`, for next to nothing."""

    def __init__(self) -> None:
        self._invocation: AbstractContextManager[None] = nullcontext()

    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        """Forget it."""

    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        """Forget it."""

    def invocation(self) -> AbstractContextManager[None]:
        """Do nothing at the end of the block."""
        return self._invocation

    def exposition(self) -> None:
        """Return None: there is nothing to show."""
