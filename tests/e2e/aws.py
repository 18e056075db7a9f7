"""A stand-in for AWS: moto's server, with what template.yaml names."""

import contextlib
from collections.abc import Iterator
from threading import Thread

import boto3
import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from local_runner.template import resource_properties

REGION = "ap-northeast-2"
TABLES = {
    "KEYS_TABLE": "KeysTable",
    "USAGE_TABLE": "UsageTable",
    "GROUPS_TABLE": "GroupsTable",
    "FACES_TABLE": "FacesTable",
    "PERSONS_TABLE": "PersonsTable",
}
BUCKETS = {
    "INBOX_BUCKET": "inbox",
    "OUTBOX_BUCKET": "outbox",
    "SNAPSHOTS_BUCKET": "snapshots",
}
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@contextlib.contextmanager
def running() -> Iterator[dict[str, str]]:
    """Run the stand-in; yield the environment of a server that uses it.

    It serves one request after the other: moto's transactions are not atomic among threads.
    """
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=False, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()
        yield _provision(endpoint)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def _provision(endpoint: str) -> dict[str, str]:
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
    )
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    wanted = (
        "BillingMode",
        "AttributeDefinitions",
        "KeySchema",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
    )
    for table in TABLES.values():
        properties = resource_properties(table)
        dynamodb.create_table(
            TableName=table, **{name: properties[name] for name in wanted if name in properties}
        )
    s3 = session.client("s3", endpoint_url=endpoint)
    for bucket in BUCKETS.values():
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    sqs = session.client("sqs", endpoint_url=endpoint)
    queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    s3.put_bucket_notification_configuration(
        Bucket=BUCKETS["INBOX_BUCKET"],
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    key = session.client("kms", endpoint_url=endpoint).create_key()["KeyMetadata"]["KeyId"]
    return {
        "BACKEND": "aws",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "KEY_SECRET": "secret of the tests",
        "KMS_KEY_ID": key,
        "UPLOAD_QUEUE_URL": queue,
        **TABLES,
        **BUCKETS,
        **_CREDENTIALS,
    }
