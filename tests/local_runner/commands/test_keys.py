"""The commands `keys` and `usage`, on both backends."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from functions.etri import face_deid
from harness import builders
from local_runner import __main__
from shared import log
from shared.app import App
from shared.config import ROOT, Settings
from tests.shared.storage.aws import access_tables
from tests.shared.storage.aws.dynamo import Dynamo, running

TABLES = {
    "KEYS_TABLE": access_tables.KEYS,
    "KEY_LOG_TABLE": access_tables.LOG,
    "USAGE_TABLE": access_tables.USAGE,
}


class CommandLine:
    """The command line of a deployment, in this process."""

    def __init__(
        self,
        environ: Mapping[str, str],
        capsys: pytest.CaptureFixture[str],
        patch: pytest.MonkeyPatch,
    ) -> None:
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.setattr(log, "configure", lambda _level: None)  # the log is pytest's own
        self._app = App(Settings.from_environment())
        self._capsys = capsys
        self._patch = patch

    def run(self, *words: str) -> tuple[int, str, str]:
        """Return the exit status, the output and the errors of a command."""
        self._patch.setattr(sys, "argv", ["local_runner", *words])
        try:
            status: Any = __main__.main()
        except SystemExit as stop:
            status = stop.code
        output = self._capsys.readouterr()
        return status, output.out, output.err

    def json(self, *words: str) -> Any:
        """Return the JSON that a command prints."""
        status, output, errors = self.run(*words, "--json")
        assert (status, errors) == (0, "")
        return json.loads(output)

    def call(self, text: str) -> str:
        """Call FaceDeID with a key; return the reason of a refusal, or `ok`."""
        event = builders.event(body=builders.deid_body(b"x"), headers={"authorization": text})
        answer = builders.answer(face_deid.handler(event, None, self._app))
        return str(answer.get("reason", "ok"))


@pytest.fixture(scope="module")
def dynamo() -> Iterator[Dynamo]:
    with running() as dynamo:
        yield dynamo


@pytest.fixture
def line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine({"DATA_DIR": str(tmp_path)}, capsys, monkeypatch)


@pytest.fixture(params=["local", "aws"])
def either_line(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> CommandLine:
    environ = {"DATA_DIR": str(tmp_path)}
    if request.param == "aws":
        access_tables.create(request.getfixturevalue("dynamo"))
        environ = {"BACKEND": "aws", "KEY_SECRET": "s", **TABLES}
    return CommandLine(environ, capsys, monkeypatch)


def create(line: CommandLine, *options: str) -> str:
    text: str = line.json("keys", "create", "shop", "--tenant", "acme", *options)["text"]
    return text


def test_every_step_in_the_life_of_a_key(either_line: CommandLine) -> None:
    line = either_line
    text = create(line, "--daily", "2")
    assert [line.call(text) for _ in range(3)] == ["ok", "ok", "Daily Limit Exceeded"]
    line.json("keys", "limit", "shop", "--daily", "3")
    assert [line.call(text) for _ in range(2)] == ["ok", "Daily Limit Exceeded"]
    assert {row["calls"] for row in line.json("usage", "shop")} == {3}

    line.json("keys", "limit", "shop", "--daily", "none")
    new = line.json("keys", "rotate", "shop", "--overlap", "7d")["text"]
    assert line.call(text) == line.call(new) == "ok"
    assert {row["calls"] for row in line.json("usage", "shop")} == {5}
    ends = [key["expiresAt"] for key in line.json("keys", "list")]
    assert sorted(end is None for end in ends) == [False, True]

    line.json("keys", "block", "shop")
    assert line.call(text) == line.call(new) == "Blocked KEY"
    line.json("keys", "unblock", "shop")
    assert line.call(new) == "ok"
    line.json("keys", "delete", "shop", "--yes")
    assert line.call(text) == line.call(new) == "Invalid Key KEY"
    assert line.json("keys", "list") == []
    assert [event["action"] for event in line.json("keys", "log", "shop")] == [
        "create", "limit", "limit", "rotate", "block", "unblock", "delete",
    ]  # fmt: skip


def test_sets_and_removes_every_limit(line: CommandLine) -> None:
    create(
        line, "--daily", "1", "--monthly", "2", "--yearly", "3", "--network", "10.0.0.0/8",
        "--network", "2001:db8::/32", "--path", "/FaceDeID", "--max-ips", "4",
        "--ip-window", "12h", "--in-flight", "5", "--rate", "0.5", "--burst", "6",
    )  # fmt: skip
    assert line.json("keys", "show", "shop")["limits"] == {
        "daily": 1,
        "monthly": 2,
        "yearly": 3,
        "networks": ["10.0.0.0/8", "2001:db8::/32"],
        "paths": ["/FaceDeID"],
        "addresses": {"most": 4, "window_s": 43_200},
        "in_flight": 5,
        "rate": {"per_second": 0.5, "burst": 6},
    }
    changed = line.json(
        "keys", "limit", "shop", "--network", "192.0.2.0/24", "--max-ips", "7", "--burst", "8"
    )["limits"]
    assert changed["networks"] == ["192.0.2.0/24"]
    assert changed["addresses"] == {"most": 7, "window_s": 43_200}
    assert changed["rate"] == {"per_second": 0.5, "burst": 8}
    assert changed["daily"] == 1
    assert line.json(
        "keys", "limit", "shop", "--daily", "none", "--monthly", "none", "--yearly", "none",
        "--network", "any", "--path", "any", "--max-ips", "any", "--in-flight", "none",
        "--rate", "none",
    )["limits"] == {
        "daily": None, "monthly": None, "yearly": None, "networks": [], "paths": [],
        "addresses": None, "in_flight": None, "rate": None,
    }  # fmt: skip


def test_a_new_key_has_five_thousand_calls_a_day(line: CommandLine) -> None:
    create(line)
    limits = line.json("keys", "show", "shop")["limits"]
    assert limits.pop("daily") == 5000
    assert not any(limits.values())


def test_shows_calls_by_day_month_and_year(line: CommandLine) -> None:
    line.call(create(line))
    for by, length in (("day", 10), ("month", 7), ("year", 4)):
        (row,) = line.json("usage", "--by", by)
        assert (len(row["period"]), row["calls"], row["name"]) == (length, 1, "shop")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["keys", "show", "nobody"], "there is no key 'nobody'"),
        (["keys", "create", "shop", "--tenant", "t"], "there is a key 'shop' already"),
        (["keys", "create", " ", "--tenant", "t"], "1 to 100 printable characters"),
        (["keys", "create", "a\nb", "--tenant", "t"], "1 to 100 printable characters"),
        (["keys", "create", "new"], "--tenant"),
        (["keys", "limit", "shop", "--daily", "many"], "non-negative integer, not 'many'"),
        (["keys", "limit", "shop", "--daily", "-1"], "non-negative integer, not '-1'"),
        (["keys", "limit", "shop", "--network", "10.0.0.1/8"], "has host bits set"),
        (["keys", "limit", "shop", "--path", "FaceDeID"], "must start with /"),
        (["keys", "limit", "shop", "--in-flight", "0"], "positive integer, not '0'"),
        (["keys", "limit", "shop", "--max-ips", "1001"], "at most 1000"),
        (["keys", "limit", "shop", "--rate", "0"], "greater than 0"),
        (["keys", "limit", "shop", "--rate", "nan"], "greater than 0"),
        (["keys", "limit", "shop", "--burst", "3"], "--burst needs --rate"),
        (["keys", "limit", "shop", "--ip-window", "1d"], "--ip-window needs --max-ips"),
        (["keys", "limit", "shop", "--max-ips", "3", "--ip-window", "0"], "greater than 0"),
        (["keys", "rotate", "shop", "--overlap", "soon"], "not a duration; use 7d"),
        (["usage", "--by", "week"], "'week'"),
    ],
)
def test_refuses_a_wrong_call_with_the_reason(
    line: CommandLine, words: list[str], reason: str
) -> None:
    create(line)
    before = line.json("keys", "list")
    status, output, errors = line.run(*words)
    assert (status, output) == (2, "")
    assert reason in errors
    assert line.json("keys", "list") == before


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_asks_before_deleting_a_key(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    create(line)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    status, _, _ = line.run("keys", "delete", "shop")
    assert status == (1 if left else 0)
    assert len(line.json("keys", "list")) == left


def test_prints_tables_and_the_value_of_a_key_only_once(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "local_runner", *words],
            cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE,
            env={"DATA_DIR": str(tmp_path), "PATH": "/usr/bin", "COLUMNS": "120"},
        ).stdout  # fmt: skip

    created = run("keys", "create", "shop", "--tenant", "acme", "--rate", "5", "--burst", "10")
    text = created.split()[-1]
    assert len(text) == 43
    shown = run("keys", "show", "shop")
    for word in ("shop", "acme", "active", "5,000", "5 a second, burst 10"):
        assert word in shown
    logged = run("keys", "log")
    assert "create" in logged
    everything = shown + logged + run("keys", "list") + run("usage")
    assert text not in everything
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert text.encode() not in stored
