"""An SQS queue, for those who take messages from it outside of Lambda."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

_MAX = 10  # messages a call, as SQS has it
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=30,  # longer than any queue waits
    retries={"mode": "standard", "total_max_attempts": 4},
)


class SqsQueue:
    """Messages as boto3 gives them. One that is not deleted comes again after a while."""

    def __init__(self, url: str) -> None:
        """Take the address of a queue."""
        self._url = url
        self._sqs = boto3.client("sqs", config=_CONFIG)

    @cached_property
    def arn(self) -> str:
        """The queue's name among all of AWS.

        Raises:
            BotoCoreError: SQS cannot be reached.
            ClientError: SQS refuses the call, as all that follow.

        """
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn: str = answer["Attributes"]["QueueArn"]
        return arn

    def receive(self, limit: int) -> list[dict[str, Any]]:
        """Return up to `limit` messages, and 10 at most.

        Where there are none it waits as long as the queue says (ReceiveMessageWaitTimeSeconds).
        """
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(limit, _MAX),
            MessageSystemAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def delete(self, receipt_handles: Sequence[str]) -> None:
        """Delete messages that were received; one that is not deleted comes again."""
        if receipt_handles:
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(receipt_handles)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
