"""The commands `run`, `serve`, `routes` and `invoke`, and the help of all."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from harness import builders, photos
from harness.command_line import Finished, run
from local_runner import template
from tests.local_runner.refusals import assert_refused

LOCAL_KEY = "local-dev-key"
LIMITS = (
    "--daily", "--monthly", "--yearly", "--network", "--path", "--max-ips", "--ip-window",
    "--in-flight", "--rate", "--burst",
)  # fmt: skip


def invoke(folder: Path, event: str | Path, **more: str) -> Finished:
    return run(folder, "invoke", "FaceDeIdFunction", "--event", event, **more)


def astronaut_event() -> str:
    body = builders.deid_body(photos.astronaut_jpeg())
    return json.dumps(builders.event(body=body, headers={"authorization": LOCAL_KEY}))


def faces_of(finished: Finished) -> list[Any]:
    assert finished.returncode == 0, finished.stderr
    reply = json.loads(finished.stdout)
    assert reply["statusCode"] == 200
    faces: list[Any] = builders.answer(reply)["return_object"]["results"]
    return faces


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("", ("run", "serve", "work", "routes", "invoke", "deidentify", "keys", "usage",
              "persons", "clean-up", "rotate-master-key")),
        ("run", ("HOST", "127.0.0.1", "PORT", "3000", "LOCAL_KEY")),
        ("serve", ("WORKERS", "THREADS")),
        ("work", ("--with-parent",)),
        ("routes", ()),
        ("invoke", ("function", "--event")),
        ("deidentify", ("--output", "--method", "veil", "solid", "mosaic", "blur", "--min-face",
                        "--threshold", "--draw", "--jobs")),
        ("keys", ("create", "list", "show", "limit", "block", "unblock", "rotate", "delete",
                  "log")),
        ("keys create", ("name", "--tenant", *LIMITS)),
        ("keys limit", ("KEY", *LIMITS)),
        ("usage", ("KEY", "--by", "--json")),
        ("clean-up", ()),
        ("persons", ("list", "erase")),
        ("persons erase", ("COMPANY", "ID", "--tenant", "--all", "--json")),
    ],
)  # fmt: skip
def test_help_names_every_command_and_option(
    tmp_path: Path, command: str, names: tuple[str, ...]
) -> None:
    finished = run(tmp_path, *command.split(), "--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    for name in names:
        assert name in finished.stdout


@pytest.mark.parametrize("words", [[], ["fly"], ["keys"], ["keys", "fly"], ["run", "--fly"]])
def test_an_unknown_command_prints_the_usage(tmp_path: Path, words: list[str]) -> None:
    assert_refused(run(tmp_path, *words), 2, "usage: python -m local_runner")


def test_routes_lists_every_route_of_the_template(tmp_path: Path) -> None:
    finished = run(tmp_path, "routes")
    listed = [line.split() for line in finished.stdout.splitlines()]
    assert listed == [
        [route.method, route.path, function.name, function.command]
        for function in template.read()
        for route in function.routes
    ]
    assert finished.returncode == 0


def test_invoke_reads_the_event_from_a_file(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(astronaut_event())
    assert len(faces_of(invoke(tmp_path, event))) == 1


def test_invoke_reads_the_event_from_standard_input(tmp_path: Path) -> None:
    assert len(faces_of(invoke(tmp_path, "-", stdin=astronaut_event()))) == 1


def test_invoke_accepts_no_development_key_if_local_key_is_empty(tmp_path: Path) -> None:
    finished = invoke(tmp_path, "-", stdin=astronaut_event(), LOCAL_KEY="")
    assert finished.returncode == 0
    assert builders.answer(json.loads(finished.stdout))["result"] == -1


def test_invoke_lists_the_functions_if_the_name_is_unknown(tmp_path: Path) -> None:
    finished = run(tmp_path, "invoke", "Nobody", "--event", "-")
    names = [function.name for function in template.read()]
    assert_refused(finished, 2, "no function 'Nobody'", *names)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"\xff\xfe"])
def test_invoke_refuses_a_file_without_an_event(tmp_path: Path, text: bytes) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(text)
    assert_refused(invoke(tmp_path, event), 2, f"error: {event}: ")


def test_invoke_refuses_a_missing_file(tmp_path: Path) -> None:
    assert_refused(invoke(tmp_path, tmp_path / "none.json"), 2, "none.json", "No such file")


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_server_does_not_start_without_models(tmp_path: Path, command: str) -> None:
    finished = run(tmp_path, command, MODELS_DIR=str(tmp_path), PORT="0")
    assert finished.returncode != 0
    assert_refused(finished, finished.returncode, str(tmp_path), "run `make models`")


def test_invoke_fails_without_models(tmp_path: Path) -> None:
    finished = invoke(tmp_path, "-", stdin=astronaut_event(), MODELS_DIR=str(tmp_path))
    assert_refused(finished, 1, "run `make models`")


@pytest.mark.parametrize("command", ["run", "serve", "routes"])
def test_names_the_setting_that_cannot_be_read(tmp_path: Path, command: str) -> None:
    finished = run(tmp_path, command, PORT="x")
    assert_refused(finished, 2)
    assert finished.stderr == "error: PORT must be a whole number, not 'x'\n"


def test_a_server_does_not_start_without_the_gpu_it_must_use(
    tmp_path: Path,
) -> None:
    finished = run(tmp_path, "run", EXECUTION_PROVIDER="cuda", PORT="0", CUDA_VISIBLE_DEVICES="-1")
    assert_refused(finished, 1, "error: EXECUTION_PROVIDER=cuda, but")


def test_a_server_reports_that_its_port_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        assert_refused(run(tmp_path, "run", PORT=port), 1, f"Port {port} is in use")
