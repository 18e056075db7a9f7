"""Makes the tables, buckets, queues and keys of template.yaml on a stand-in for AWS.

A stand-in is a server with the APIs of AWS, such as moto's. On AWS itself `sam deploy` does this.
"""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from samtranslator.yaml_helper import yaml_parse

from local_runner.template import TEMPLATE

STACK = "face-functions"
"""The name of the stack, with which the names of most resources begin."""

ACCESS = {
    "AWS_DEFAULT_REGION": "ap-northeast-2",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
"""What a process needs to call a stand-in, besides its address: any credentials will do."""

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - the name of a type
STATE = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    SECRET,
)
"""The types of resources that hold state."""

Client = Callable[[str], Any]
"""Returns the client of a service, such as `s3`."""

_EXPECTED = (BotoCoreError, ClientError, ResponseParserError, ValueError)
_SECRET_REFERENCE = re.compile(r"\{\{resolve:secretsmanager:(.+)\}\}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make everything, print the environment and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        variables = make(state(), options.endpoint, dict(options.parameter))
    except _EXPECTED as error:
        print(f"provision: {error}", file=sys.stderr)
        return 1
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def state() -> dict[str, Any]:
    """Return the part of template.yaml that holds state, as a template of CloudFormation.

    Its outputs are the variables of the functions, such as `KeysTable` for KEYS_TABLE, and those
    outputs of template.yaml that name nothing else.
    """
    source = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    resources = {
        name: resource
        for name, resource in source["Resources"].items()
        if resource["Type"] in STATE
    }
    left_out = re.compile(rf"\b({'|'.join(source['Resources'].keys() - resources.keys())})\b")
    variables = source["Globals"]["Function"]["Environment"]["Variables"]
    outputs = {_in_camel_case(name): {"Value": value} for name, value in variables.items()} | {
        name: output
        for name, output in source["Outputs"].items()
        if not left_out.search(json.dumps(output["Value"]))
    }
    inputs = {part: source[part] for part in ("Parameters", "Conditions")}
    return {**inputs, "Resources": resources, "Outputs": outputs}


def make(
    template: Mapping[str, Any],
    endpoint: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Make what a template of CloudFormation describes; a stack that exists stays as it is.

    Args:
        template: one that `state` returned, perhaps with more in it.
        endpoint: the address of the stand-in; None for moto in this process.
        parameters: values of the template's parameters, by name.

    Returns:
        The environment of a process that uses what was made.

    Raises:
        ValueError: the template does not have such a parameter.
        BotoCoreError, ClientError, ResponseParserError: the stand-in does not answer, refuses or
            fails. It may have made a part, so start it anew.

    """
    values = dict(parameters or {})
    if unknown := sorted(values.keys() - template["Parameters"].keys()):
        raise ValueError(f"template.yaml does not have the parameter {', '.join(unknown)}")
    region, key_id, key = ACCESS.values()
    session = boto3.Session(key_id, key, region_name=region)
    client = partial(session.client, endpoint_url=endpoint)
    declared, resources = dict(template["Parameters"]), dict(template["Resources"])
    for name in [name for name in resources if resources[name]["Type"] == SECRET]:
        # moto's CloudFormation does not make secrets; a parameter can be referred to just as well
        values[name] = _secret(client, f"{STACK}-{name}", resources.pop(name)["Properties"])
        declared[name] = {"Type": "String"}
    _create(client, {**template, "Parameters": declared, "Resources": resources}, values)
    _notify(client, resources)
    (made,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    variables = {
        _in_capitals(output["OutputKey"]): _revealed(client, output["OutputValue"])
        for output in made["Outputs"]
    }
    address = {} if endpoint is None else {"AWS_ENDPOINT_URL": endpoint}
    return ACCESS | address | variables


def _secret(client: Client, name: str, properties: Mapping[str, Any]) -> str:
    """Make a secret with a random value, unless it exists; return its ARN."""
    secrets = client("secretsmanager")
    value = secrets.get_random_password(**properties["GenerateSecretString"])["RandomPassword"]
    try:
        made = secrets.create_secret(Name=name, SecretString=value)
    except secrets.exceptions.ResourceExistsException:
        made = secrets.describe_secret(SecretId=name)
    return str(made["ARN"])


def _create(client: Client, template: Mapping[str, Any], values: Mapping[str, str]) -> None:
    cloudformation = client("cloudformation")
    try:
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in values.items()
            ],
        )
    except cloudformation.exceptions.AlreadyExistsException:
        print(f"provision: the stack {STACK} exists already and stays as it is", file=sys.stderr)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK)


def _notify(client: Client, resources: Mapping[str, Any]) -> None:
    """Let buckets send their events to queues, which moto's CloudFormation leaves out."""
    described = client("cloudformation").describe_stack_resources(StackName=STACK)
    ids = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in described["StackResources"]
    }
    for name, resource in resources.items():
        given = resource["Properties"].get("NotificationConfiguration", {})
        queues = [
            {"QueueArn": _queue_arn(client, ids, to["Queue"]), "Events": [to["Event"]]}
            for to in given.get("QueueConfigurations", ())
        ]
        if queues:
            client("s3").put_bucket_notification_configuration(
                Bucket=ids[name], NotificationConfiguration={"QueueConfigurations": queues}
            )


def _queue_arn(client: Client, ids: Mapping[str, str], reference: Mapping[str, Any]) -> str:
    queue, _ = reference["Fn::GetAtt"]
    answer = client("sqs").get_queue_attributes(QueueUrl=ids[queue], AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _revealed(client: Client, value: str) -> str:
    """Return a value, or the secret that it refers to."""
    reference = _SECRET_REFERENCE.fullmatch(value)
    if reference is None:
        return value
    return str(client("secretsmanager").get_secret_value(SecretId=reference[1])["SecretString"])


def _in_camel_case(name: str) -> str:
    """Return a variable's name as that of an output, which may hold letters and digits alone."""
    return name.title().replace("_", "")


def _in_capitals(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.provision",
        description="Makes the tables, buckets, queues, keys and secrets of template.yaml on a"
        " stand-in for AWS, and prints the environment of a process that uses them, with the"
        " secret. What exists already stays as it is. This is for development and tests: on AWS,"
        " use `sam deploy`. Where it fails, start the stand-in anew.",
        epilog='Example: eval "$(python -m tools.provision --endpoint http://127.0.0.1:5000)"'
        " && make run",
    )
    parser.add_argument(
        "--endpoint", required=True, metavar="URL", help="the stand-in, such as moto's server"
    )
    parser.add_argument(
        "--parameter", action="append", default=[], type=_parameter, metavar="NAME=VALUE",
        help="a parameter of the template; may be given again",
    )  # fmt: skip
    return parser


def _parameter(text: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
