"""SQS queues, where their dead letters go, and their policies."""

import json
from typing import Any

from tools.provision.endpoint import Endpoint
from tools.provision.resource import Maker, Properties, Resource, tags

_FIFO = ".fifo"
_ATTRIBUTES = frozenset(
    {
        "VisibilityTimeout",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "DelaySeconds",
        "MaximumMessageSize",
        "RedrivePolicy",
        "RedriveAllowPolicy",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
        "SqsManagedSseEnabled",
        "FifoQueue",
        "ContentBasedDeduplication",
    }
)


def _make(endpoint: Endpoint, name: str, properties: Properties) -> Resource:
    sqs = endpoint.client("sqs")
    is_fifo = properties.get("FifoQueue", False)
    name = properties.get("QueueName", name + _FIFO * is_fifo)
    attributes = {
        attribute: _text(properties[attribute])
        for attribute in sorted(_ATTRIBUTES)
        if attribute in properties
    }
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        is_new = False
        attributes.pop("FifoQueue", None)  # cannot be changed
        if attributes:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    except sqs.exceptions.QueueDoesNotExist:
        is_new = True
        tagged = {tag["Key"]: tag["Value"] for tag in tags(properties)}
        url = sqs.create_queue(QueueName=name, Attributes=attributes, tags=tagged)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = answer["Attributes"]["QueueArn"]
    return Resource(url, {"Arn": arn, "QueueName": name, "QueueUrl": url}, is_new)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _make_policy(endpoint: Endpoint, _name: str, properties: Properties) -> Resource:
    policy = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        endpoint.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return Resource(properties["Queues"][0])


QUEUE = Maker(_make, _ATTRIBUTES | {"QueueName", "Tags"})
QUEUE_POLICY = Maker(_make_policy, frozenset({"Queues", "PolicyDocument"}))
