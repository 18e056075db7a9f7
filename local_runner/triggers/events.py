"""The events that functions are given, as AWS sends them.

Source: "Using Lambda with Amazon SQS", "Using Lambda with DynamoDB" and "Using Lambda with
EventBridge Scheduler" of the Lambda guide, "Event message structure" of the S3 guide.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from shared.core.blobs import BlobInfo

Record = dict[str, Any]

_REGION = "local"
_ACCOUNT = "000000000000"
_TIME = "%Y-%m-%dT%H:%M:%S"


def message(
    *, identity: str, receipt_handle: str, body: str, attributes: Mapping[str, str], queue_arn: str
) -> Record:
    """Return a message of a queue."""
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
    """Return the message that tells of a file in a local folder."""
    sent_ms = str(_ms(file.modified_at))
    return message(
        identity=identity,
        receipt_handle=f"{identity}-{attempt}",
        body=json.dumps({"Records": [_upload(bucket, file)]}),
        attributes={
            "ApproximateReceiveCount": str(attempt),
            "SentTimestamp": sent_ms,
            "SenderId": _ACCOUNT,
            "ApproximateFirstReceiveTimestamp": sent_ms,
        },
        queue_arn=f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{bucket}",
    )


def change(
    *, identity: str, kind: str, generation: str, face_id: str, sequence_number: str, table: str
) -> Record:
    """Return the record of a changed row of the faces in the local store."""
    return {
        "eventID": identity,
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": _REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.now(UTC).timestamp(),
            "Keys": {"generation": {"S": generation}, "face_id": {"S": face_id}},
            "SequenceNumber": sequence_number,
            "SizeBytes": len("generation" + generation + "face_id" + face_id),
            "StreamViewType": "KEYS_ONLY",
        },
        "eventSourceARN": f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/{table}/stream/local",
    }


def batch(records: Iterable[Record]) -> dict[str, Any]:
    """Return the event of some messages or changes."""
    return {"Records": list(records)}


def tick(rule: str, *, identity: str) -> dict[str, Any]:
    """Return the event of a schedule."""
    return {
        "version": "0",
        "id": identity,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": _ACCOUNT,
        "time": datetime.now(UTC).strftime(f"{_TIME}Z"),
        "region": _REGION,
        "resources": [f"arn:aws:events:{_REGION}:{_ACCOUNT}:rule/{rule}"],
        "detail": {},
    }


def _upload(bucket: str, file: BlobInfo) -> Record:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": _REGION,
        "eventTime": f"{file.modified_at.strftime(_TIME)}.{_ms(file.modified_at) % 1000:03}Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": _ACCOUNT},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": _ACCOUNT},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {
                "key": quote_plus(file.key, errors="surrogateescape"),  # it may be no UTF-8
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
