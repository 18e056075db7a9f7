"""Invokes a function with the messages of an SQS queue.

Source: "Using Lambda with Amazon SQS" of the Lambda guide.
"""

from functools import cached_property

import boto3

from local_runner.functions import Invoke
from local_runner.triggers import events
from local_runner.triggers.delivery import deliver, identifier
from shared.storage.aws import config

_MAX_MESSAGES = 10  # per call, a limit of SQS


class SqsPoller:
    """Deletes the messages that were processed; SQS delivers the others again."""

    def __init__(self, url: str, invoke: Invoke, *, batch_size: int) -> None:
        self._url = url
        self._invoke = invoke
        self._batch_size = batch_size
        self._sqs = boto3.client("sqs", config=config.SQS)

    @cached_property
    def _arn(self) -> str:
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn: str = answer["Attributes"]["QueueArn"]
        return arn

    def poll(self) -> bool:
        """Process a batch of messages; wait for one as long as the queue is set to.

        Raises:
            BotoCoreError: SQS cannot be reached.
            ClientError: SQS refuses the call.

        """
        received = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self._batch_size, _MAX_MESSAGES),
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        messages = [
            events.message(
                identity=message["MessageId"],
                receipt_handle=message["ReceiptHandle"],
                body=message["Body"],
                attributes=message["Attributes"],
                queue_arn=self._arn,
            )
            for message in received
        ]
        if messages:
            failed = deliver(self._invoke, messages)
            self._delete([m["receiptHandle"] for m in messages if identifier(m) not in failed])
        return bool(messages)

    def _delete(self, receipt_handles: list[str]) -> None:
        entries = [
            {"Id": str(number), "ReceiptHandle": handle}
            for number, handle in enumerate(receipt_handles)
        ]
        if entries:
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
