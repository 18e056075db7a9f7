"""Translates the errors of AWS into those of the core."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from shared.core.errors import StoreUnavailableError

_MIN_SERVER_ERROR = 500  # HTTP status
_TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


@contextmanager
def translate(service: str, meanings: Mapping[str, Exception] | None = None) -> Iterator[None]:
    """Raise an error of the core in place of an error of AWS in the block.

    Args:
        service: its name, for messages.
        meanings: what to raise for which error codes.

    Raises:
        StoreUnavailableError: the service cannot be reached, or the same call may succeed later.
        ClientError: the service refuses the call for good.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if meanings and code in meanings:
            raise meanings[code] from error
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _TRANSIENT or status >= _MIN_SERVER_ERROR:
            raise StoreUnavailableError(f"{service} cannot take the call now") from error
        raise
    except (NoConnectionError, HTTPClientError) as error:
        raise StoreUnavailableError(f"{service} cannot be reached") from error
