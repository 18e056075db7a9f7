"""The command, on a stand-in that is reached over HTTP."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from shared.config import ROOT
from tests.e2e import aws
from tests.tools.provision.test_stack import EACH_TYPE
from tools.provision.__main__ import main
from tools.provision.endpoint import Endpoint


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with aws.empty() as url:
        yield url


def run(url: str, *arguments: str) -> int:
    return main(["--endpoint", url, "--template", str(EACH_TYPE), *arguments])


def test_prints_an_environment_that_a_shell_can_evaluate(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(url, "--prefix", "it's-") == 1  # no queue may be named so
    assert "provision: DeadLetters: " in capsys.readouterr().err

    assert run(url, "--prefix", "faces-", "--parameter", "Days=5") == 0
    printed = capsys.readouterr()
    assert "provision: Things made\n" in printed.err
    assert "AWS_ACCESS_KEY_ID" not in printed.out  # those of the environment are good

    assert run(url, "--prefix", "faces-", "--parameter", "Days=5", "--json") == 0
    printed_again = capsys.readouterr()
    assert "provision: Things is there\n" in printed_again.err
    variables = json.loads(printed_again.out)
    assert variables["DAYS"] == "5"
    assert variables["AWS_ENDPOINT_URL"] == url
    names = " ".join(f'"${name}"' for name in variables)
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{printed.out}\nprintf '%s\\n' {names}"],
        env={}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shell.stdout.splitlines() == list(variables.values())


def test_what_refuses_plain_http_is_left_out_where_nothing_else_is_spoken(url: str) -> None:
    assert run(url, "--prefix", "faces-") == 0
    s3, bucket = Endpoint(url=url).client("s3"), "faces-inbox-123456789012"
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_a_stand_in_needs_no_credentials() -> None:
    with aws.empty() as url:
        done = subprocess.run(
            [sys.executable, "-m", "tools.provision", "--endpoint", url, "--json"],
            cwd=ROOT, env={"HOME": "/nowhere"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
    variables = json.loads(done.stdout)
    assert variables["AWS_ACCESS_KEY_ID"] == "testing"
    assert variables["KEYS_TABLE"] == "face-functions-KeysTable"


def test_an_endpoint_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert main(["--endpoint", "http://127.0.0.1:9"]) == 1
    assert ": Could not connect to the endpoint URL" in capsys.readouterr().err


def test_aws_itself_needs_a_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert main([]) == 1
    assert capsys.readouterr().err == "provision: name a region: --region, or AWS_DEFAULT_REGION\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--parameter", "Days"], "'Days' is not NAME=VALUE"),
        (["--json", "--env"], "not allowed with argument"),
    ],
)
def test_wrong_use_is_told(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert reason in capsys.readouterr().err


def test_a_template_that_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--template", "/nowhere/template.yaml", "--region", "ap-northeast-2"]) == 1
    assert "provision: /nowhere/template.yaml: " in capsys.readouterr().err
    assert main(["--template", str(ROOT / "README.md"), "--region", "ap-northeast-2"]) == 1
    assert "README.md: " in capsys.readouterr().err


def test_help_says_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "Lambda" in capsys.readouterr().out
