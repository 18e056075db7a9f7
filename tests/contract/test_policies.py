"""Each function's policy allows what its handler does, and nothing that no story of it does."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest
from moto import mock_aws

from local_runner import functions
from local_runner.template import read
from local_runner.triggers.queue import Queue
from shared.app import App
from shared.config import Settings
from shared.core import keyring
from shared.core.models import Distinct, Limits, Rate
from shared.storage.aws.queues import SqsQueue
from tests import aws_calls, stories
from tests.api_gateway import ApiGateway
from tests.aws_calls import Call
from tests.e2e import aws
from tools.provision.endpoint import Endpoint
from tools.provision.stack import Stack

COMMANDS = {function.name: function.command for function in read()}
TENANT = "t"
EVERY_LIMIT = Limits(
    daily=1000,
    addresses=Distinct(most=1000, window_s=60),
    in_flight=100,
    rate=Rate(per_second=1000, burst=1000),
)
MODELS = ("images", "detector", "poses", "recognitions", "masker")


@dataclass
class Account:
    """What the template makes, and what each function did there; none knows another's memory."""

    stack: Stack
    calls: dict[str, set[Call]]

    def allowed(self, function: str) -> set[Call]:
        """Return the pairs of an action and a resource that a function's policy allows."""
        role = self.stack.template.resources[f"{function}Role"]["Properties"]
        statements = [
            statement
            for policy in self.stack.value(role["Policies"])
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert {statement["Effect"] for statement in statements} == {"Allow"}
        return {
            (action, resource)
            for statement in statements
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }


def listed(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


@pytest.fixture(scope="module")
def account(app: App) -> Iterator[Account]:
    """An account in which every story was played."""
    calls: dict[str, set[Call]] = defaultdict(set)
    running = ""

    def record(call: Call) -> None:
        if running:
            calls[running].add(call)

    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        endpoint = Endpoint(region="ap-northeast-2")
        environment.setenv("AWS_DEFAULT_REGION", endpoint.region)
        with aws_calls.recorded(record, endpoint.region, endpoint.account):
            stack = aws.make(endpoint, UploadTenant=TENANT)
            variables = stack.variables()
            settings = Settings.from_environment(variables)
            files = endpoint.client("s3")
            for bucket in (settings.inbox_bucket, settings.outbox_bucket):
                files.delete_bucket_policy(Bucket=bucket)  # moto takes no notice of conditions
            models = {name: getattr(app, name) for name in MODELS}
            apps = {name: App(settings, **models) for name in COMMANDS}
            networks = itertools.count(1)

            def invoke(name: str, event: Any) -> Any:
                nonlocal running
                if "requestContext" in event:
                    address = f"2001:db8:0:{next(networks):x}::1"
                    event["requestContext"]["http"]["sourceIp"] = address
                context = functions.Context(name, functions.new_request_id())
                running = name
                try:
                    return functions.load(COMMANDS[name])(event, context, apps[name])
                finally:
                    running = ""

            api, key = ApiGateway(invoke), new_key(App(settings))
            for story in (stories.face_deid, stories.withmind, stories.nhn, stories.keep_and_only):
                story(api, key)
            queue = Queue(
                SqsQueue(variables["UPLOAD_QUEUE_URL"]),
                lambda event: invoke("DeidentifyUploadFunction", event),
                batch_size=10,
            )
            for _ in stories.uploads(api, key, files, variables):
                while queue.poll():
                    pass
            yield Account(stack, calls)


def new_key(operator: App) -> str:
    """Return a key of which every call is looked at in every way."""
    _, text = keyring.create(
        operator.keys, name="stories", tenant=TENANT, limits=EVERY_LIMIT,
        secret=operator.key_secret, by="test", now=datetime.now(UTC),
    )  # fmt: skip
    return text


def matches(call: Call, allowed: Call) -> bool:
    return call[0] == allowed[0] and fnmatchcase(call[1], allowed[1])


@pytest.mark.parametrize("function", COMMANDS)
def test_a_function_may_do_what_it_does_and_no_more(account: Account, function: str) -> None:
    done, allowed = account.calls[function], account.allowed(function)
    assert done
    refused = {call for call in done if not any(matches(call, pair) for pair in allowed)}
    assert not refused, "the policy is too narrow"
    unused = {pair for pair in allowed if not any(matches(call, pair) for call in done)}
    assert not unused, "the policy is too wide, or no story does this"
