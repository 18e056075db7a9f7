"""Calling DynamoDB again: exponential backoff with full jitter, and an end.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from pynamodb.exceptions import PutError, PynamoDBException

from shared.core.errors import StoreUnavailableError

T = TypeVar("T")

_SERVER_ERROR = 500  # HTTP statuses from here on
_TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class TryAgainError(Exception):
    """The step changed nothing, because something else changed what it had read."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, and how long it waits at most before the second and last time."""

    attempts: int = 10
    first_s: float = 0.05
    longest_s: float = 1.0

    def call(self, step: Callable[[], T]) -> T:
        """Return what the step returns; take it again after a transient error.

        Raises:
            StoreUnavailableError: it failed at every attempt.

        """
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(self._pause_s(attempt))
            try:
                return step()
            except TryAgainError as error:
                last: Exception = error
            except PynamoDBException as error:
                if not is_transient(error):
                    raise
                last = error
        raise StoreUnavailableError("DynamoDB did not take the call") from last

    def _pause_s(self, attempt: int) -> float:
        longest = min(self.longest_s, self.first_s * 2 ** (attempt - 1))
        return random.uniform(0, longest)  # noqa: S311 - spreads load, keeps no secret


def is_transient(error: PynamoDBException) -> bool:
    """Tell whether the same call may succeed later, whatever became of it this time."""
    cause = error.cause
    if isinstance(cause, ClientError):
        return error.cause_response_code in _TRANSIENT or _status(cause) >= _SERVER_ERROR
    if cause is None:  # PynamoDB says so of a batch of which DynamoDB left a part undone
        return isinstance(error, PutError)
    return isinstance(cause, NoConnectionError | HTTPClientError)


def _status(error: ClientError) -> int:
    """Return the HTTP status, which PynamoDB leaves with the error that it wraps."""
    original = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    status: int = original.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status
