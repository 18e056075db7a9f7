"""Messages of an SQS queue."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from local_runner.triggers.sqs import SqsPoller
from tests.local_runner.triggers.recorder import Recorder

pytestmark = pytest.mark.usefixtures("aws")


class Mail:
    """A queue, its poller, and the function that is invoked."""

    def __init__(self, batch_size: int = 10) -> None:
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName="uploads")["QueueUrl"]
        self.called = Recorder()
        self.poller = SqsPoller(self.url, self.called, batch_size=batch_size)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> int:
        """Return how many messages the queue still has, including those in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(count) for count in answer["Attributes"].values())

    def poll(self) -> list[str]:
        self.poller.poll()
        return bodies_of(self.called.take())

    def hide_nothing(self) -> None:
        """Deliver received messages again at once unless they are deleted."""
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"VisibilityTimeout": "0"})


def bodies_of(records: list[Mapping[str, Any]]) -> list[str]:
    return sorted(record["body"] for record in records)


def test_delivers_each_message_once() -> None:
    mail = Mail()
    mail.send("a", "b")
    assert mail.poll() == ["a", "b"]
    assert mail.left() == 0
    assert mail.poll() == []


def test_an_event_has_the_form_of_an_sqs_event() -> None:
    mail = Mail()
    mail.send("grüß")
    mail.poller.poll()
    (message,) = mail.called.take()
    assert (message["body"], message["eventSource"]) == ("grüß", "aws:sqs")
    assert message["eventSourceARN"].startswith("arn:aws:sqs:ap-northeast-2:")
    assert message["awsRegion"] == "ap-northeast-2"
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    assert message["messageId"]


def test_only_failed_messages_stay_in_the_queue_and_are_delivered_again() -> None:
    mail = Mail()
    mail.hide_nothing()
    mail.called.fails = lambda record: record["body"] == "bad"
    mail.send("bad", "good")
    assert mail.poll() == ["bad", "good"]
    assert mail.left() == 1
    mail.called.fails = lambda _record: False
    assert mail.poll() == ["bad"]
    assert mail.left() == 0


def test_no_message_is_lost_if_the_function_fails_as_a_whole() -> None:
    mail = Mail()
    mail.called.fails = mail.called.raises
    mail.send("a", "b")
    mail.poll()
    assert mail.left() == 2


def test_messages_stay_in_the_queue_while_the_function_runs() -> None:
    mail = Mail()
    mail.send("a")
    left = []
    mail.called.during = lambda: left.append(mail.left())
    mail.poll()
    assert left == [1]


def test_an_event_holds_no_more_than_a_batch() -> None:
    mail = Mail(batch_size=2)
    mail.send("a", "b", "c")
    assert sorted([len(mail.poll()), len(mail.poll())]) == [1, 2]
