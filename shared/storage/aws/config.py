"""Timeouts and retries of the clients for AWS. The retries are botocore's, but for DynamoDB."""

from botocore.config import Config

CONNECT_TIMEOUT_S = 2
DYNAMODB_READ_TIMEOUT_S = 5


def _config(*, read_timeout_s: int, attempts: int) -> Config:
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )


KMS = _config(read_timeout_s=5, attempts=4)
S3 = _config(read_timeout_s=30, attempts=5)
SQS = _config(read_timeout_s=30, attempts=4)  # a queue waits for messages for up to 20 s
STREAMS = _config(read_timeout_s=10, attempts=4)
