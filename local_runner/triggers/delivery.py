"""Delivers records to a function, finds those that failed, and decides when to retry.

Source: "Reporting batch item failures" of the Lambda guide, for SQS and for DynamoDB streams.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from local_runner.functions import FunctionError, Invoke
from local_runner.triggers.events import Record

_FIRST_BACKOFF_S = 2.0
_MAX_BACKOFF_S = 300.0


def identifier(record: Record) -> str:
    """Return the identifier by which a function reports a failed record."""
    message_id: str | None = record.get("messageId")
    return message_id or str(record["dynamodb"]["SequenceNumber"])


def deliver(invoke: Invoke, records: Sequence[Record]) -> frozenset[str]:
    """Invoke a function with a batch; return the identifiers of the records to deliver again.

    That is all of them if the function fails as a whole, or names a record that is not in the
    batch.
    """
    identifiers = frozenset(map(identifier, records))
    try:
        reply = invoke({"Records": records})
    except FunctionError:
        return identifiers
    failed = frozenset(item["itemIdentifier"] for item in reply.get("batchItemFailures", ()))
    return failed if failed <= identifiers else identifiers


def deliver_in_order(invoke: Invoke, records: Sequence[Record]) -> int:
    """Invoke a function with a part of a stream; return how many records precede a failed one."""
    failed = deliver(invoke, records)
    return next(
        (i for i, record in enumerate(records) if identifier(record) in failed), len(records)
    )


def backoff_s(attempts: int) -> float:
    """Return how many seconds to wait after this number of failed attempts."""
    return min(_FIRST_BACKOFF_S * 2.0 ** min(attempts - 1, 10), _MAX_BACKOFF_S)


@dataclass(slots=True)
class Backoff:
    """When to deliver again what has failed."""

    due_at: float = 0.0
    attempts: int = 0

    def postpone(self, now: float) -> None:
        """Wait longer after each failure."""
        self.attempts += 1
        self.due_at = now + backoff_s(self.attempts)
