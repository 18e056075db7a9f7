"""Each function's IAM policy allows what the stories make it do, and nothing else."""

import itertools
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from moto import mock_aws

from harness import builders
from local_runner import functions
from local_runner.template import read
from shared.app import App
from shared.config import Settings
from shared.core.metering import keyring
from shared.core.metering.models import DistinctLimit, Limits, Rate
from tests import aws_calls, stories
from tests.api_gateway import ApiGateway, Invoke
from tests.aws_calls import Call
from tests.contract import translated
from tools import provision

COMMANDS = {function.name: function.command for function in read()}
YEARS_S = 3 * 365 * 86_400  # from the calls to the clean-up: all that ends has ended
EVERY_LIMIT = Limits(
    daily=1000,
    addresses=DistinctLimit(most=1000, window_s=60),
    in_flight=100,
    rate=Rate(per_second=1000, burst=1000),
)
MODELS = ("codec", "detector", "poses", "recognizers", "redactor")


class Functions:
    """The functions of the template, each with an App of its own, and their calls of AWS."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, set[Call]] = defaultdict(set)
        self._apps: dict[str, App] = {}
        self._running = ""
        self._networks = itertools.count(1)

    def start(self, settings: Settings, models: dict[str, object]) -> None:
        self._apps = {name: builders.app_with(settings, **models) for name in COMMANDS}
        self._apps["CleanUpFunction"] = builders.app_with(
            settings, clock=lambda: time.time() + YEARS_S
        )

    def record(self, call: Call) -> None:
        if self._running:
            self.calls[self._running].add(call)

    def invoke(self, name: str, event: Any) -> Any:
        """Call a function; calls of an API come from a new address each."""
        if "requestContext" in event:
            address = f"2001:db8:0:{next(self._networks):x}::1"
            event["requestContext"]["http"]["sourceIp"] = address
        context = functions.Context(name, functions.new_request_id())
        self._running = name
        try:
            return functions.load(COMMANDS[name])(event, context, self._apps[name])
        finally:
            self._running = ""


@dataclass
class Account:
    """What each function did in an account with the stack of the template, and what it may do.

    Attributes:
        calls: the calls that the handler of a function made, by the function's name.
        policies: the policies of each function's role.
        destinations: ARNs that Lambda sends failed events to, with the rights of the function.

    """

    calls: dict[str, set[Call]]
    policies: dict[str, list[Any]]
    destinations: dict[str, list[str]]

    def done(self, function: str) -> set[Call]:
        """Return the pairs of an action and a resource that a function needs."""
        sent = {("sqs:SendMessage", arn) for arn in self.destinations[function]}
        return self.calls[function] | sent

    def allowed(self, function: str) -> set[Call]:
        """Return the pairs of an action and a resource that a function's policy allows."""
        statements = [
            statement
            for policy in self.policies[function]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert {statement["Effect"] for statement in statements} == {"Allow"}
        return {
            (action, resource)
            for statement in statements
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }


def with_policies() -> dict[str, Any]:
    """Return the template of what holds state, with the functions' rights as outputs."""
    resources = translated.template()["Resources"]
    policies = {name: resources[f"{name}Role"]["Properties"]["Policies"] for name in COMMANDS}
    destinations = {
        name: [
            destination["Destination"]
            for resource in resources.values()
            if resource.get("Properties", {}).get("FunctionName") == {"Ref": name}
            for destination in resource["Properties"].get("DestinationConfig", {}).values()
        ]
        for name in COMMANDS
    }
    template = provision.state()
    template["Outputs"] |= {
        "Policies": {"Value": {"Fn::ToJsonString": policies}},
        "Destinations": {"Value": {"Fn::ToJsonString": destinations}},
    }
    return template


def listed(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


@pytest.fixture(scope="module")
def account(app: App) -> Iterator[Account]:
    """An account after every story."""
    called = Functions()
    with mock_aws(), pytest.MonkeyPatch.context() as environment:
        for name, value in provision.ACCESS.items():
            environment.setenv(name, value)
        environment.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto cannot read streams
        parameters = {"UploadTenant": stories.TENANT, "OutboxDays": "30"}
        variables = provision.make(with_policies(), parameters=parameters)
        region, account = variables["KMS_KEY_ID"].split(":")[3:5]
        with aws_calls.recorded(called.record, region, account):
            settings = Settings.from_environment(variables)
            settings = replace(settings, index_min_faces=1)  # every group is looked up
            called.start(settings, {name: getattr(app, name) for name in MODELS})
            play(App(settings), called.invoke, boto3.client("s3"), variables)
            yield Account(
                called.calls,
                json.loads(variables["POLICIES"]),
                json.loads(variables["DESTINATIONS"]),
            )


def play(operator: App, invoke: Invoke, files: Any, variables: dict[str, str]) -> None:
    """Play every story with a key that has every kind of limit."""
    _, key = keyring.create(
        operator.keys, name="stories", tenant=stories.TENANT, limits=EVERY_LIMIT,
        secret=operator.key_secret, by="test", now=datetime.now(UTC),
    )  # fmt: skip
    api = ApiGateway(invoke)
    for story in stories.OF_CALLERS:
        story(api, key)
    stories.uploads(api, key, files, variables, invoke)
    stories.large_group(api, key, operator, invoke)
    files.put_object(Bucket=variables["INBOX_BUCKET"], Key="left.jpg", Body=b"")
    stories.clean_up(invoke)


def matches(call: Call, allowed: Call) -> bool:
    return call[0] == allowed[0] and fnmatchcase(call[1], allowed[1])


@pytest.mark.parametrize("function", COMMANDS)
def test_a_policy_allows_what_the_function_does_and_no_more(
    account: Account, function: str
) -> None:
    assert account.calls[function]
    done, allowed = account.done(function), account.allowed(function)
    refused = {call for call in done if not any(matches(call, pair) for pair in allowed)}
    assert not refused, "the policy is too narrow"
    unused = {pair for pair in allowed if not any(matches(call, pair) for call in done)}
    assert not unused, "the policy is too wide, or no story does this"
