"""The template in the cloud: nothing is public, unencrypted, unlimited or without an alarm."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from local_runner.template import TEMPLATE
from shared.config import Settings
from tests.contract import translated
from tests.nonempty import nonempty
from tools.provision import STATE

MADE = translated.template()


def resources(kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in MADE["Resources"].items()
        if resource["Type"] == f"AWS::{kind}"
    }


FUNCTIONS = resources("Lambda::Function")
VARIABLES = FUNCTIONS["FaceDeIdFunction"]["Environment"]["Variables"]  # `Globals` gives them to all
TABLES = resources("DynamoDB::Table")
BUCKETS = resources("S3::Bucket")
QUEUES = resources("SQS::Queue")
ALARMS = resources("CloudWatch::Alarm")


def names(value: Any) -> set[str]:
    """Return the logical ids that a value names."""
    return set(re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', json.dumps(value)))


def listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def metrics(alarm: dict[str, Any]) -> list[tuple[str, set[str]]]:
    """Return the metrics that an alarm watches, each with the resources it belongs to."""
    parts = [
        part["MetricStat"]["Metric"] for part in alarm.get("Metrics", ()) if "MetricStat" in part
    ]
    return [(part["MetricName"], names(part.get("Dimensions", []))) for part in parts or [alarm]]


WATCHED = [watched for alarm in ALARMS.values() for watched in metrics(alarm)]


def is_watched(metric: str, name: str) -> bool:
    return any(metric == watched and name in of for watched, of in WATCHED)


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_and_reached_only_by_tls(name: str) -> None:
    bucket = BUCKETS[name]
    access = bucket["PublicAccessBlockConfiguration"]
    assert list(access.values()) == [True] * 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    policies = resources("S3::BucketPolicy").values()
    (policy,) = [policy for policy in policies if names(policy["Bucket"]) == {name}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert (statement["Action"], len(statement["Resource"])) == ("s3:*", 2)
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_drops_the_parts_of_uploads_that_broke_off(name: str) -> None:
    (rule,) = BUCKETS[name]["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_and_can_be_restored(name: str) -> None:
    table = TABLES[name]
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_has_a_place_for_failures(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    targets = [
        names(value)
        for resource in MADE["Resources"].values()
        for key, value in walk(resource)
        if key in ("deadLetterTargetArn", "OnFailure")
    ]
    assert "RedrivePolicy" in QUEUES[name] or {name} in targets


@pytest.mark.parametrize("name", [name for name in QUEUES if "RedrivePolicy" not in QUEUES[name]])
def test_an_alarm_watches_failed_messages(name: str) -> None:
    assert is_watched("ApproximateNumberOfMessagesVisible", name)


@pytest.mark.parametrize("name", [name for name in QUEUES if "RedrivePolicy" in QUEUES[name]])
def test_an_alarm_watches_waiting_messages(name: str) -> None:
    assert is_watched("ApproximateAgeOfOldestMessage", name)


def walk(value: Any) -> Any:
    """Yield every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, resource in MADE["Resources"].items()
        if resource["Type"] in STATE and resource["Type"] != "AWS::SQS::Queue"
    ],
)
def test_state_outlives_the_stack(name: str) -> None:
    resource = MADE["Resources"][name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_kms_key_rotates() -> None:
    assert [key["EnableKeyRotation"] for key in resources("KMS::Key").values()] == [True]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_log_has_a_retention_time(name: str) -> None:
    (group,) = names(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])
    assert "RetentionInDays" in resources("Logs::LogGroup")[group]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_own_policy_without_wildcards(name: str) -> None:
    assert names(FUNCTIONS[name]["Role"]) == {f"{name}Role"}
    policies = resources("IAM::Role")[f"{name}Role"]["Policies"]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    for statement in nonempty(statements):
        assert statement["Effect"] == "Allow"
        for action in nonempty(listed(statement["Action"])):
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action)
        for resource in nonempty(listed(statement["Resource"])):
            assert isinstance(resource, dict)  # a reference, never "*"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_notifies_the_topic(name: str) -> None:
    alarm = ALARMS[name]
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["AlarmActions"] == alarm["OKActions"] == topic
    assert alarm["AlarmDescription"].endswith(".")
    assert alarm["TreatMissingData"] == "notBreaching"


def calls_of_the_api() -> set[str]:
    """Return the functions that the API calls."""
    definition = json.dumps(resources("ApiGatewayV2::Api"))
    return {name for name in FUNCTIONS if f"${{{name}.Arn}}" in definition}


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - calls_of_the_api()))
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_an_alarm_watches_functions_that_no_caller_waits_for(name: str, metric: str) -> None:
    assert is_watched(metric, name)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - calls_of_the_api()))
def test_failed_events_of_those_functions_are_put_aside(name: str) -> None:
    (source,) = [
        properties
        for kind in ("Lambda::EventSourceMapping", "Lambda::EventInvokeConfig")
        for properties in resources(kind).values()
        if properties["FunctionName"] == {"Ref": name}
    ]
    from_queues = names(source.get("EventSourceArn", "")) & set(QUEUES)
    if from_queues:
        assert all("RedrivePolicy" in QUEUES[queue] for queue in from_queues)
    else:
        assert names(source["DestinationConfig"]["OnFailure"]) <= set(QUEUES)


@pytest.mark.parametrize("metric", ["5xx", "Latency"])
def test_an_alarm_watches_errors_and_latency_of_the_api(metric: str) -> None:
    assert is_watched(metric, "Api")


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_an_alarm_watches_throttling_of_every_table_in_use(metric: str) -> None:
    used = {name for name in TABLES if {"Ref": name} in VARIABLES.values()}
    assert {name for name in TABLES if is_watched(metric, name)} == used


def test_an_alarm_watches_logged_errors() -> None:
    (unexpected,) = resources("Logs::MetricFilter").values()
    groups = [names(function["LoggingConfig"]["LogGroup"]) for function in FUNCTIONS.values()]
    assert groups == [names(unexpected["LogGroupName"])] * len(FUNCTIONS)
    (transformation,) = unexpected["MetricTransformations"]
    assert is_watched_in(transformation["MetricNamespace"], transformation["MetricName"])


def is_watched_in(namespace: Any, metric: str) -> bool:
    return any(
        (alarm.get("Namespace"), alarm.get("MetricName")) == (namespace, metric)
        for alarm in ALARMS.values()
    )


def test_the_api_limits_its_rate_and_logs_no_path() -> None:
    (stage,) = resources("ApiGatewayV2::Stage").values()
    limits = stage["DefaultRouteSettings"]
    assert limits["ThrottlingRateLimit"] == {"Ref": "CallsPerSecond"}
    assert limits["ThrottlingBurstLimit"] == {"Ref": "CallsAtOnce"}
    logging = stage["AccessLogSettings"]
    (group,) = names(logging["DestinationArn"])
    assert "RetentionInDays" in resources("Logs::LogGroup")[group]
    line = json.loads(logging["Format"])
    assert set(line.values()) <= {
        "$context.requestId", "$context.requestTimeEpoch", "$context.routeKey", "$context.status",
        "$context.responseLatency", "$context.integrationLatency", "$context.responseLength",
        "$context.integrationErrorMessage",
    }  # fmt: skip


def test_the_template_sets_everything_that_aws_needs() -> None:
    needed = {field.name.upper() for field in fields(Settings) if field.metadata["aws"]}
    assert needed
    assert needed - {"KEY_LOG_TABLE"} <= set(VARIABLES)  # which the command line alone needs


def test_every_parameter_has_a_description_and_a_group() -> None:
    source = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    interface = source["Metadata"]["AWS::CloudFormation::Interface"]
    placed = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(placed) == sorted(source["Parameters"])
    for declaration in nonempty(source["Parameters"].values()):
        assert declaration["Description"].endswith(".")
        assert "Default" in declaration
