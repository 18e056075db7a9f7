"""The command, on moto's server, and what it made there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from shared.config import ROOT, Settings
from tests.e2e import aws
from tools import provision


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """The environment of a process on a stand-in where everything was made."""
    with aws.running(OutboxDays="5") as environment:
        yield environment


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a stand-in with nothing in it."""
    with aws.empty() as url:
        yield url


def client(service: str, environment: dict[str, str]) -> Any:
    return boto3.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def keys_and_indexes(table: dict[str, Any]) -> dict[str, Any]:
    """Return what a table is read by, of the template or of DynamoDB's description."""
    indexes = table.get("GlobalSecondaryIndexes", []) + table.get("LocalSecondaryIndexes", [])
    return {
        "attributes": sorted(table["AttributeDefinitions"], key=str),
        "keys": table["KeySchema"],
        "indexes": {
            index["IndexName"]: (index["KeySchema"], index["Projection"]["ProjectionType"])
            for index in indexes
        },
        "stream": table.get("StreamSpecification", {}).get("StreamViewType"),
        "billing": table.get("BillingModeSummary", table)["BillingMode"],
    }


TABLES = {
    "KEYS_TABLE": "KeysTable",
    "KEY_LOG_TABLE": "KeyLogTable",
    "USAGE_TABLE": "UsageTable",
    "GROUPS_TABLE": "GroupsTable",
    "FACES_TABLE": "FacesTable",
    "PERSONS_TABLE": "PersonsTable",
}


@pytest.mark.parametrize("variable", TABLES)
def test_a_table_has_the_keys_indexes_and_stream_of_the_template(
    environment: dict[str, str], variable: str
) -> None:
    name = environment[variable]
    table = client("dynamodb", environment).describe_table(TableName=name)["Table"]
    declared = provision.state()["Resources"][TABLES[variable]]["Properties"]
    assert keys_and_indexes(table) == keys_and_indexes(declared)


def test_no_other_table_is_made(environment: dict[str, str]) -> None:
    made = client("dynamodb", environment).list_tables()["TableNames"]
    assert sorted(made) == sorted(environment[variable] for variable in TABLES)


def test_a_file_put_into_the_inbox_arrives_in_the_queue_of_uploads(
    environment: dict[str, str],
) -> None:
    inbox = environment["INBOX_BUCKET"]
    client("s3", environment).put_object(Bucket=inbox, Key="a.jpg", Body=b"a")
    messages = client("sqs", environment).receive_message(
        QueueUrl=environment["UPLOAD_QUEUE_URL"], MaxNumberOfMessages=10
    )["Messages"]
    bodies = [json.loads(message["Body"]) for message in messages]
    put = [record["s3"] for body in bodies for record in body.get("Records", ())]
    assert [(s3["bucket"]["name"], s3["object"]["key"]) for s3 in put] == [(inbox, "a.jpg")]


def test_what_fails_five_times_goes_to_the_queue_of_dead_letters(
    environment: dict[str, str],
) -> None:
    answer = client("sqs", environment).get_queue_attributes(
        QueueUrl=environment["UPLOAD_QUEUE_URL"], AttributeNames=["All"]
    )
    assert answer["Attributes"]["VisibilityTimeout"] == "1800"
    redrive = json.loads(answer["Attributes"]["RedrivePolicy"])
    assert redrive["maxReceiveCount"] == 5
    assert "-UploadDeadLetterQueue-" in redrive["deadLetterTargetArn"]


@pytest.mark.parametrize("variable", ["OUTBOX_BUCKET", "SNAPSHOTS_BUCKET"])
def test_a_bucket_keeps_files(environment: dict[str, str], variable: str) -> None:
    s3, bucket = client("s3", environment), environment[variable]
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_the_key_wraps_data_keys(environment: dict[str, str]) -> None:
    kms, key_id = client("kms", environment), environment["KMS_KEY_ID"]
    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
    opened = kms.decrypt(KeyId=key_id, CiphertextBlob=made["CiphertextBlob"])
    assert opened["Plaintext"] == made["Plaintext"]


def test_the_environment_has_every_variable_of_the_functions(environment: dict[str, str]) -> None:
    settings = Settings.from_environment(environment)
    assert settings.backend == "aws"
    assert settings.outbox_days == 5
    assert settings.key_log_table
    assert len(settings.key_secret) == 64
    assert settings.key_secret.isalnum()
    source = (ROOT / "template.yaml").read_text(encoding="utf-8")
    variables = source.split("      Variables:\n")[1].split("\nResources:")[0]
    named = {line.split(":")[0].strip() for line in variables.splitlines() if line}
    assert len(named) > 20
    others = {*provision.ACCESS, "AWS_ENDPOINT_URL", "KEY_LOG_TABLE", "UPLOAD_QUEUE_URL"}
    assert set(environment) == named | others


def test_prints_an_environment_that_a_shell_can_evaluate(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = """{"note": "it's"}"""
    arguments = ["--endpoint", url, "--parameter", f"UploadOptions={options}"]
    assert provision.main(arguments) == 0
    printed = capsys.readouterr().out
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{printed}\nprintf '%s\\n' \"$UPLOAD_OPTIONS\" \"$KEYS_TABLE\""],
        env={}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown, table = shell.stdout.splitlines()
    assert shown == options
    assert table.startswith("face-functions-KeysTable-")


def test_made_again_everything_stays_as_it_is(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = provision.make(provision.state(), url)
    client("s3", before).put_object(Bucket=before["OUTBOX_BUCKET"], Key="a", Body=b"a")
    assert provision.make(provision.state(), url) == before
    assert "the stack face-functions exists already and stays" in capsys.readouterr().err
    files = client("s3", before).list_objects_v2(Bucket=before["OUTBOX_BUCKET"])["Contents"]
    assert [file["Key"] for file in files] == ["a"]


def test_says_what_the_stand_in_refuses(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    provision.make(provision.state(), url)
    again = {"AWS_ENDPOINT_URL": url, **provision.ACCESS}
    client("cloudformation", again).delete_stack(StackName=provision.STACK)  # retains the buckets
    assert provision.main(["--endpoint", url]) == 1
    assert "provision: An error occurred (BucketAlreadyExists)" in capsys.readouterr().err


def test_says_that_the_stand_in_fails(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    too_long = "a" * 60
    assert provision.main(["--endpoint", url, "--parameter", f"BucketPrefix={too_long}"]) == 1
    printed = capsys.readouterr()
    assert "provision: Unable to parse response" in printed.err
    assert "500 Internal Server Error" in printed.err
    assert not printed.out


def test_starts_as_a_command_that_needs_nothing_of_the_environment(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.provision", "--endpoint", url],
        cwd=ROOT, env={"HOME": "/nowhere"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "export AWS_ACCESS_KEY_ID=testing\n" in done.stdout
    assert "export KEYS_TABLE=face-functions-KeysTable-" in done.stdout


def test_refuses_a_parameter_that_the_template_does_not_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert provision.main(["--endpoint", "http://127.0.0.1:9", "--parameter", "Satge=x"]) == 1
    reason = "provision: template.yaml does not have the parameter Satge\n"
    assert capsys.readouterr().err == reason


def test_says_that_a_stand_in_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert provision.main(["--endpoint", "http://127.0.0.1:9"]) == 1
    assert "provision: Could not connect to the endpoint URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "the following arguments are required: --endpoint"),
        (["--endpoint", "http://127.0.0.1:9", "--parameter", "Days"], "'Days' is not NAME=VALUE"),
    ],
)
def test_refuses_wrong_use(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        provision.main(arguments)
    assert reason in capsys.readouterr().err
