"""Which refusals of AWS pass."""

from collections.abc import Collection

from botocore.exceptions import ClientError

_SERVER_ERROR = 500  # HTTP statuses from here on


def is_transient(error: ClientError, codes: Collection[str]) -> bool:
    """Tell whether the same call may be taken later: the fault is AWS's, or of these codes."""
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= _SERVER_ERROR or error.response["Error"]["Code"] in codes
