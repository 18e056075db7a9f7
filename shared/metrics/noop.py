"""No metrics."""

from contextlib import AbstractContextManager, nullcontext

from typing_extensions import override

from shared.core.metrics import Counter, Histogram, Metrics


class NoopMetrics(Metrics):
    """Implements `Metrics`: does nothing."""

    def __init__(self) -> None:
        self._invocation: AbstractContextManager[None] = nullcontext()

    @override
    def count(self, metric: Counter, value: float = 1, **labels: str) -> None:
        pass

    @override
    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        pass

    @override
    def invocation(self) -> AbstractContextManager[None]:
        return self._invocation

    @override
    def exposition(self) -> None:
        pass
