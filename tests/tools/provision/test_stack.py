"""Each type of resource, made on moto and read back."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from local_runner.template import TEMPLATE
from shared.config import Settings
from tools.provision import template
from tools.provision.endpoint import Endpoint
from tools.provision.errors import LeftOutError, ProvisionError
from tools.provision.resource import Resource
from tools.provision.stack import Stack

EACH_TYPE = Path(__file__).with_name("each_type.yaml")
ACCOUNT = "123456789012"
INBOX = f"faces-inbox-{ACCOUNT}"


@pytest.fixture
def stack(endpoint: Endpoint) -> Stack:
    stack = Stack(template.read(EACH_TYPE), endpoint, prefix="faces-")
    stack.make_all()
    return stack


@pytest.fixture
def files(stack: Stack, endpoint: Endpoint) -> Any:
    """A client of S3; moto takes no notice of conditions, so the policy would deny everything."""
    s3 = endpoint.client("s3")
    s3.delete_bucket_policy(Bucket=stack.make("Inbox").ref)
    return s3


def written(folder: Path, resources: str) -> template.Template:
    path = folder / "template.yaml"
    path.write_text(f"Transform: AWS::Serverless-2016-10-31\nResources:\n{resources}")
    return template.read(path)


def test_makes_a_table_with_all_that_belongs_to_it(stack: Stack, endpoint: Endpoint) -> None:
    dynamodb = endpoint.client("dynamodb")
    table = dynamodb.describe_table(TableName="faces-Things")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [index["IndexName"] for index in table["LocalSecondaryIndexes"]] == ["by_owner"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["of_owner"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert table["SSEDescription"]["Status"] == "ENABLED"
    backups = dynamodb.describe_continuous_backups(TableName="faces-Things")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert recovery["RecoveryPeriodInDays"] == 7
    expiry = dynamodb.describe_time_to_live(TableName="faces-Things")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    assert stack.make("Things").attributes["StreamArn"] == table["LatestStreamArn"]


def test_makes_a_bucket_with_all_that_belongs_to_it(stack: Stack, endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    encryption = s3.get_bucket_encryption(Bucket=INBOX)["ServerSideEncryptionConfiguration"]
    (rule,) = encryption["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": stack.make("Key").attributes["Arn"],
    }
    access = s3.get_public_access_block(Bucket=INBOX)["PublicAccessBlockConfiguration"]
    assert set(access.values()) == {True}
    assert len(access) == 4
    ownership = s3.get_bucket_ownership_controls(Bucket=INBOX)["OwnershipControls"]
    assert ownership["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_versioning(Bucket=INBOX)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=INBOX)["Rules"]
    assert rule["ID"] == "originals"
    assert rule["Status"] == "Enabled"
    assert rule["Filter"] == {"Prefix": "in/"}
    assert rule["Expiration"]["Days"] == 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert s3.get_bucket_tagging(Bucket=INBOX)["TagSet"] == [{"Key": "product", "Value": "faces"}]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=INBOX)["Policy"])["Statement"]
    assert statement["Resource"] == [f"arn:aws:s3:::{INBOX}", f"arn:aws:s3:::{INBOX}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_makes_queues_with_their_dead_letters_and_policy(stack: Stack, endpoint: Endpoint) -> None:
    url = stack.make("Queue").ref
    answer = endpoint.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes = answer["Attributes"]
    assert attributes["VisibilityTimeout"] == "180"
    assert attributes["SqsManagedSseEnabled"] == "true"
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": stack.make("DeadLetters").attributes["Arn"],
        "maxReceiveCount": 5,
    }
    (statement,) = json.loads(attributes["Policy"])["Statement"]
    assert statement["Resource"] == attributes["QueueArn"]
    assert statement["Condition"] == {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::faces-inbox-*"}}
    assert stack.make("InOrder").attributes["QueueName"] == "faces-InOrder.fifo"


def test_a_file_put_into_a_bucket_is_told_to_its_queue(
    stack: Stack, endpoint: Endpoint, files: Any
) -> None:
    sqs, url = endpoint.client("sqs"), stack.make("Queue").ref
    files.put_object(Bucket=INBOX, Key="elsewhere/a.jpg", Body=b"a")
    files.put_object(Bucket=INBOX, Key="in/b.jpg", Body=b"b")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"]) for message in messages]
    keys = [
        unquote_plus(r["s3"]["object"]["key"]) for body in told for r in body.get("Records", ())
    ]
    assert keys == ["in/b.jpg"]


def test_makes_a_key_that_rotates(stack: Stack, endpoint: Endpoint) -> None:
    kms, key = endpoint.client("kms"), stack.make("Key").ref
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_tells_the_environment_of_the_functions_and_the_outputs(stack: Stack) -> None:
    variables = stack.variables()
    secret = variables.pop("SECRET")
    assert len(secret) == 40
    assert secret.isalnum()
    assert variables == {
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "FIXED": "1",
        "DAYS": "30",
        "THINGS_TABLE": "faces-Things",
        "KEY": stack.make("Key").attributes["Arn"],
        "STAGE": "no",
        "UPLOAD_QUEUE_URL": stack.make("Queue").ref,
    }


def everything(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "tables": endpoint.client("dynamodb").list_tables()["TableNames"],
        "buckets": [b["Name"] for b in endpoint.client("s3").list_buckets()["Buckets"]],
        "queues": endpoint.client("sqs").list_queues()["QueueUrls"],
        "keys": endpoint.client("kms").list_keys()["Keys"],
        "secrets": endpoint.client("secretsmanager").list_secrets()["SecretList"],
    }


def test_made_twice_nothing_is_new_and_nothing_is_lost(
    stack: Stack, endpoint: Endpoint, files: Any
) -> None:
    files.put_object(Bucket=INBOX, Key="a", Body=b"a")
    item = {"id": {"S": "a"}, "at": {"N": "1"}}
    endpoint.client("dynamodb").put_item(TableName="faces-Things", Item=item)
    before, variables = everything(endpoint), stack.variables()
    made: dict[str, Resource] = {}

    again = Stack(template.read(EACH_TYPE), endpoint, prefix="faces-", report=made.__setitem__)
    again.make_all()

    assert again.variables() == variables
    after = everything(endpoint)
    assert {name: len(items) for name, items in after.items()} == {
        name: len(items) for name, items in before.items()
    }
    named = ("Inbox", "Queue", "DeadLetters", "InOrder", "Things", "Key", "Secret")
    assert not any(made[logical_id].is_new for logical_id in named)
    files.delete_bucket_policy(Bucket=INBOX)
    assert files.get_object(Bucket=INBOX, Key="a")["Body"].read() == b"a"
    assert endpoint.client("dynamodb").scan(TableName="faces-Things")["Items"] == [item]


def test_what_was_changed_by_hand_is_set_right(stack: Stack, endpoint: Endpoint) -> None:
    endpoint.client("s3").delete_public_access_block(Bucket=INBOX)
    url = stack.make("Queue").ref
    endpoint.client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"VisibilityTimeout": "1", "RedrivePolicy": ""}
    )
    dynamodb = endpoint.client("dynamodb")
    off = {"AttributeName": "expires_at", "Enabled": False}
    dynamodb.update_time_to_live(TableName="faces-Things", TimeToLiveSpecification=off)

    Stack(template.read(EACH_TYPE), endpoint, prefix="faces-").make_all()

    test_makes_a_bucket_with_all_that_belongs_to_it(stack, endpoint)
    test_makes_queues_with_their_dead_letters_and_policy(stack, endpoint)
    expiry = dynamodb.describe_time_to_live(TableName="faces-Things")["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "ENABLED"


def test_a_table_of_before_gets_the_stream_that_the_template_got(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    parts = (
        "  Things: {Type: AWS::DynamoDB::Table, Properties: {BillingMode: PAY_PER_REQUEST,"
        " AttributeDefinitions: [{AttributeName: id, AttributeType: S}],"
        " KeySchema: [{AttributeName: id, KeyType: HASH}]%s}}\n"
    )
    streamed = parts % ", StreamSpecification: {StreamViewType: KEYS_ONLY}"
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    Stack(written(tmp_path / "before", parts % ""), endpoint).make_all()
    stack = Stack(written(tmp_path / "after", streamed), endpoint)
    stack.make_all()
    table = endpoint.client("dynamodb").describe_table(TableName="Things")["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert stack.make("Things").attributes["StreamArn"] == table["LatestStreamArn"]


def test_a_parameter_turns_conditions(endpoint: Endpoint) -> None:
    parameters = {"Stage": "live", "Days": "0"}
    stack = Stack(template.read(EACH_TYPE), endpoint, prefix="faces-", parameters=parameters)
    stack.make_all()
    variables = stack.variables()
    assert variables["STAGE"] == "yes"
    assert variables["LIVE_URL"].endswith("faces-OnlyLive")
    rules = endpoint.client("s3").get_bucket_lifecycle_configuration(Bucket=INBOX)["Rules"]
    assert rules[0]["Status"] == "Disabled"


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [({"Stage": "other"}, "Stage must be one of test, live"), ({"Satge": "x"}, "parameter Satge")],
)
def test_refuses_wrong_parameters(
    endpoint: Endpoint, parameters: dict[str, str], reason: str
) -> None:
    with pytest.raises(ProvisionError, match=reason):
        Stack(template.read(EACH_TYPE), endpoint, parameters=parameters)


def test_refuses_a_type_that_it_does_not_know_before_it_makes_anything(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    made = written(tmp_path, "  Q: {Type: AWS::SQS::Queue}\n  Disk: {Type: AWS::EFS::FileSystem}\n")
    with pytest.raises(ProvisionError, match="Disk: how to make a AWS::EFS::FileSystem"):
        Stack(made, endpoint).make_all()
    assert "QueueUrls" not in endpoint.client("sqs").list_queues()


def test_refuses_a_property_that_it_does_not_know(endpoint: Endpoint, tmp_path: Path) -> None:
    bucket = "{Type: AWS::S3::Bucket, Properties: {WebsiteConfiguration: {IndexDocument: a}}}"
    made = written(tmp_path, f"  Web: {bucket}\n")
    with pytest.raises(ProvisionError, match="Web: WebsiteConfiguration is not known"):
        Stack(made, endpoint).make_all()


def test_refuses_a_circle(endpoint: Endpoint, tmp_path: Path) -> None:
    queue = "{Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {a: !GetAtt %s.Arn}}}"
    made = written(tmp_path, f"  A: {queue % 'B'}\n  B: {queue % 'A'}\n")
    with pytest.raises(ProvisionError, match="in a circle: A -> B -> A"):
        Stack(made, endpoint).make_all()


def test_refuses_a_table_that_was_made_for_something_else(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    table = (
        "  Things: {Type: AWS::DynamoDB::Table, Properties: {BillingMode: PAY_PER_REQUEST,"
        " AttributeDefinitions: [{AttributeName: %(key)s, AttributeType: S}],"
        " KeySchema: [{AttributeName: %(key)s, KeyType: HASH}]}}\n"
    )
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    Stack(written(tmp_path / "one", table % {"key": "id"}), endpoint).make_all()
    with pytest.raises(ProvisionError, match="Things has other keys"):
        Stack(written(tmp_path / "other", table % {"key": "name"}), endpoint).make_all()


def test_what_is_left_out_has_no_value(stack: Stack) -> None:
    with pytest.raises(LeftOutError, match="Function, a AWS::Lambda::Function"):
        stack.value({"Fn::GetAtt": ["Function", "Arn"]})


def test_the_template_of_the_product_makes_what_its_settings_ask_for(endpoint: Endpoint) -> None:
    stack = Stack(template.read(TEMPLATE), endpoint, prefix="faces-")
    stack.make_all()
    settings = Settings.from_environment(stack.variables())
    assert settings.backend == "aws"
    tables = endpoint.client("dynamodb").list_tables()["TableNames"]
    assert {settings.keys_table, settings.key_log_table, settings.faces_table} <= set(tables)
    assert len(settings.key_secret) == 64
