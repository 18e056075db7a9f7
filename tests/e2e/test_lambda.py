"""Every function of the template, run by the real Lambda runtime client on a stand-in for AWS."""

import base64
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness import builders, photos
from harness.processes import TIMEOUT_S
from local_runner.template import read
from shared.app import App
from shared.config import ROOT, Settings
from tests import stories
from tests.api_gateway import ApiGateway
from tests.e2e import aws, lambda_runtime
from tests.e2e.lambda_runtime import Function
from tools.provision import ACCESS

COMMANDS = {function.name: function.command for function in read()}


@dataclass
class Cloud:
    """The template's functions, each a process of its own that starts when it is first called."""

    folder: Path
    environ: dict[str, str]
    stack: contextlib.ExitStack
    functions: dict[str, Function] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str) -> Function:
        with self.lock:
            if name not in self.functions:
                running = lambda_runtime.running(COMMANDS[name], self.folder, self.environ)
                self.functions[name] = self.stack.enter_context(running)
            return self.functions[name]

    def invoke(self, name: str, event: Any) -> Any:
        answer = self.start(name).invoke(event)
        assert answer.error is None, answer
        return answer.payload

    def new_key(self, name: str) -> str:
        """Make an API key as an operator does; return its text."""
        done = subprocess.run(
            [sys.executable, "-m", "local_runner",
             "keys", "create", name, "--tenant", stories.TENANT, "--json"],
            cwd=ROOT, env=self.environ, capture_output=True, text=True, check=True,
        )  # fmt: skip
        text: str = json.loads(done.stdout)["text"]
        return text


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with contextlib.ExitStack() as stack:
        environ = stack.enter_context(aws.running(UploadTenant=stories.TENANT))
        here = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("AWS_ENDPOINT_URL", *ACCESS):
            here.setenv(name, environ[name])
        environ["INDEX_MIN_FACES"] = "100"
        yield Cloud(tmp_path_factory.mktemp("lambda"), environ, stack)


def test_every_function_answers_as_its_api_says(cloud: Cloud) -> None:
    api = ApiGateway(cloud.invoke)
    key = cloud.new_key("stories")

    operator = App(Settings.from_environment(cloud.environ))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stories.large_group, api, key, operator, cloud.invoke)
        for story in stories.OF_CALLERS:
            story(api, key)
        stories.uploads(api, key, boto3.client("s3"), cloud.environ, cloud.invoke)
        slow.result()

    assert set(cloud.functions) == set(COMMANDS)
    lines = [line for function in cloud.functions.values() for line in function.lines()]
    calls = [line for line in lines if line.get("message") == "call"]
    counts = [line for line in lines if line.get("calls") == 1 and "_aws" in line]
    for of_calls in (calls, counts):
        assert sorted(line["requestId"] for line in of_calls) == sorted(api.request_ids)
    logged = "".join(function.log.read_text() for function in cloud.functions.values())
    photo = base64.b64encode(photos.load("obama.jpg")).decode()
    for private in (key, cloud.environ["KEY_SECRET"], photo[6000:6064]):
        assert private not in logged


def test_a_function_ends_before_its_time_is_up(cloud: Cloud) -> None:
    event = json.loads((ROOT / "tests/golden/events/schedule.json").read_text(encoding="utf-8"))
    answer = cloud.start("CleanUpFunction").invoke(event, timeout_s=1)
    assert answer.payload["unfinished"] == 1


def test_an_event_that_is_none_is_reported_as_an_error_and_the_function_lives_on(
    cloud: Cloud,
) -> None:
    function = cloud.start("ListGroupsFunction")
    answer = function.invoke({"no": "event of a gateway"})
    assert answer.payload is None
    assert answer.error["errorType"] == "KeyError"
    elsewhere = ApiGateway(cloud.invoke).call(
        "GET", "/nhn-face-reco/v1.0/appkeys/a-key-of-nobody/groups"
    )
    assert elsewhere.json["header"]["resultCode"] == -41000


def test_a_missing_setting_is_named_in_the_error(cloud: Cloud, tmp_path: Path) -> None:
    environ = {**cloud.environ, "KEYS_TABLE": ""}
    with lambda_runtime.running(COMMANDS["FaceDeIdFunction"], tmp_path, environ) as function:
        answer = function.invoke(builders.event())
    assert answer.error["errorType"] == "SettingError"
    assert answer.error["errorMessage"] == "KEYS_TABLE must be set with BACKEND=aws"


def test_a_command_that_is_no_handler_ends_the_start(cloud: Cloud, tmp_path: Path) -> None:
    command = "functions.nhn.no_such_function.handler"
    with lambda_runtime.running(command, tmp_path, cloud.environ) as function:
        answer = function.answers.get(timeout=TIMEOUT_S)
        assert function.process.wait(timeout=TIMEOUT_S) == 1
    assert answer.error["errorType"] == "Runtime.ImportModuleError"
