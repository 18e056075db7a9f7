"""Builds events in the form in which AWS sends them to functions.

Source: "Using Lambda with Amazon SQS", "Using Lambda with DynamoDB" and "Using Lambda with
EventBridge Scheduler" of the Lambda guide, "Event message structure" of the S3 guide.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from shared.core.blobs import BlobInfo

Record = dict[str, Any]

REGION = "local"
ACCOUNT = "000000000000"
_TIME = "%Y-%m-%dT%H:%M:%S"


def message(
    *, identity: str, receipt_handle: str, body: str, attributes: Mapping[str, str], queue_arn: str
) -> Record:
    """Return the record of a message of a queue."""
    return {
        "messageId": identity,
        "receiptHandle": receipt_handle,
        "body": body,
        "attributes": dict(attributes),
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": _region(queue_arn),
    }


def upload_message(bucket: str, file: BlobInfo, *, identity: str, attempt: int) -> Record:
    """Return the message that announces a file in a local folder."""
    sent_ms = str(_ms(file.modified_at))
    return message(
        identity=identity,
        receipt_handle=f"{identity}-{attempt}",
        body=json.dumps({"Records": [_upload(bucket, file)]}),
        attributes={
            "ApproximateReceiveCount": str(attempt),
            "SentTimestamp": sent_ms,
            "SenderId": ACCOUNT,
            "ApproximateFirstReceiveTimestamp": sent_ms,
        },
        queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{bucket}",
    )


def tick(rule: str, *, identity: str) -> dict[str, Any]:
    """Return the event of a schedule."""
    return {
        "version": "0",
        "id": identity,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime(f"{_TIME}Z"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }


def _upload(bucket: str, file: BlobInfo) -> Record:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": f"{file.modified_at.strftime(_TIME)}.{_ms(file.modified_at) % 1000:03}Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": ACCOUNT},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": ACCOUNT},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {
                "key": quote_plus(file.key, errors="surrogateescape"),  # names need not be UTF-8
                "size": file.size,
                "eTag": file.version,
                "sequencer": f"{_ms(file.modified_at):018X}",
            },
        },
    }


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _region(arn: str) -> str:
    return arn.split(":")[3]
