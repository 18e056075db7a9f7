"""Giving a batch of records to a function, and what becomes of those that fail.

Source: "Reporting batch item failures" of the Lambda guide, for SQS and for DynamoDB streams.
"""

from collections.abc import Sequence

from local_runner.functions import Call, Event, FunctionError

_FIRST_PAUSE_S = 2.0
_MAX_PAUSE_S = 300.0


def deliver(call: Call, event: Event, identifiers: Sequence[str]) -> frozenset[str]:
    """Call a function; return the identifiers of the records that are to be delivered again.

    These are all where the function fails as a whole, or names a record that it was not given.
    """
    try:
        reply = call(event)
    except FunctionError:
        return frozenset(identifiers)
    failed = frozenset(item["itemIdentifier"] for item in reply.get("batchItemFailures", ()))
    return failed if failed.issubset(identifiers) else frozenset(identifiers)


def pause_s(attempts: int) -> float:
    """Return how long to wait after that many attempts have failed."""
    return min(_FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 10), _MAX_PAUSE_S)
