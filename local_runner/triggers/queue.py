"""Messages of an SQS queue, given to a function as Lambda gives them."""

from local_runner.functions import Call
from local_runner.triggers import events
from local_runner.triggers.delivery import deliver
from shared.storage.aws.queues import SqsQueue


class Queue:
    """Fires for messages, and deletes those that did not fail; the others come again by SQS."""

    def __init__(self, queue: SqsQueue, call: Call, *, batch_size: int) -> None:
        self._queue = queue
        self._call = call
        self._batch_size = batch_size

    def poll(self) -> bool:
        """Fire one event for the messages that there are."""
        received = self._queue.receive(self._batch_size)
        messages = [
            events.message(
                identity=message["MessageId"],
                receipt_handle=message["ReceiptHandle"],
                body=message["Body"],
                attributes=message["Attributes"],
                queue_arn=self._queue.arn,
            )
            for message in received
        ]
        if messages:
            identities = [message["messageId"] for message in messages]
            failed = deliver(self._call, events.batch(messages), identities)
            self._queue.delete(
                [m["receiptHandle"] for m in messages if m["messageId"] not in failed]
            )
        return bool(messages)
