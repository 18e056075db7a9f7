"""WithMind AIM over HTTP, on both backends, as the vendor's clients call it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from harness.processes import TIMEOUT_S
from harness.server import Server, running
from shared.config import ROOT
from tests.e2e import aws
from tests.functions.withmind import client
from tests.functions.withmind.uploads import portrait, row_of

OBAMA, BIDEN = portrait("obama.jpg"), portrait("biden.jpg")
FAIL = {"result": "Fail"}
SUCCESS = {"result": "Success"}
KEY = "the-key-of-this-server"


@pytest.fixture(scope="module", params=["local", "aws"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        environ: dict[str, str] = {}
        if request.param == "aws":
            environ = stack.enter_context(aws.running(WithmindRequireKey="off"))
        yield stack.enter_context(running("serve", folder, LOCAL_KEY=KEY, **environ))


def post(
    server: Server, path: str, image: bytes, key: str | None = None, **fields: str
) -> requests.Response:
    return requests.post(
        server.url + path,
        data={"company": "withmind", "id": "tamy", **fields},
        files={"image": ("시험.jpg", image, "image/jpeg")},
        headers={} if key is None else {"Authorization": key},
        allow_redirects=False,
        timeout=TIMEOUT_S,
    )


def test_enrols_and_analyses(server: Server) -> None:
    reply = post(server, "/enrollment_img/", OBAMA, gender="1", age="64")
    assert (reply.status_code, reply.json()) == (200, SUCCESS)
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    both = row_of("biden.jpg", "obama2.jpg")
    for path in ("/analy_img/", "/analy_img") * 4:  # whichever worker answers
        reply = post(server, path, both)
        assert reply.status_code == 200
        assert reply.json() == {"result": {"person_1": "dismatch", "person_2": "match"}}
    assert post(server, "/enrollment_img", BIDEN).json() == SUCCESS
    for _ in range(4):
        assert post(server, "/analy_img/", BIDEN).json() == {"result": {"person_1": "match"}}


def test_people_of_a_key_are_apart_from_those_without(server: Server) -> None:
    unregistered = {"result": {"result": "unregistered user"}}
    assert post(server, "/enrollment_img/", OBAMA, KEY, id="secret").json() == SUCCESS
    assert post(server, "/analy_img/", OBAMA, id="secret").json() == unregistered
    found = post(server, "/analy_img/", OBAMA, f"Bearer {KEY}", id="secret").json()
    assert found == {"result": {"person_1": "match"}}
    assert post(server, "/analy_img/", OBAMA, "nobody", id="secret").json() == FAIL


def test_enrolments_at_once_leave_one_whole_template(server: Server) -> None:
    with ThreadPoolExecutor(6) as pool:
        enrolling = pool.map(
            lambda image: post(server, "/enrollment_img/", image, id="busy"), [OBAMA, BIDEN] * 6
        )
        assert [reply.json() for reply in enrolling] == [SUCCESS] * 12
    both = row_of("biden.jpg", "obama.jpg")
    result = post(server, "/analy_img/", both, id="busy").json()["result"]
    assert sorted(result.values()) == ["dismatch", "match"]


def test_takes_a_form_without_a_length(server: Server) -> None:
    body, content_type = client.form(client.parts(OBAMA))
    chunks = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    reply = requests.post(
        server.url + "/enrollment_img/",
        data=chunks,
        headers={"Content-Type": content_type},
        timeout=TIMEOUT_S,
    )
    assert reply.json() == SUCCESS


@pytest.mark.parametrize("size", [1_000_000, 11_000_000])
def test_answers_a_request_that_is_too_large(server: Server, size: int) -> None:
    wrong_size = {"result": {"message": "Fail", "reason": "img_size_err"}}
    assert post(server, "/analy_img/", bytes(size)).json() == wrong_size


def test_any_other_method_is_405(server: Server) -> None:
    for path in ("/enrollment_img/", "/analy_img"):
        reply = requests.get(server.url + path, allow_redirects=False, timeout=TIMEOUT_S)
        assert (reply.status_code, reply.json()) == (405, FAIL)


def test_a_key_may_be_required(tmp_path: Path) -> None:
    with running("run", tmp_path, LOCAL_KEY=KEY, WITHMIND_REQUIRE_KEY="on") as server:
        assert post(server, "/enrollment_img/", OBAMA).json() == FAIL
        assert post(server, "/enrollment_img/", OBAMA, KEY).json() == SUCCESS


def test_a_person_is_erased_under_a_running_server(tmp_path: Path) -> None:
    with running("serve", tmp_path) as server:
        post(server, "/enrollment_img/", OBAMA)
        done = subprocess.run(
            [sys.executable, "-m", "local_runner", "persons", "erase", "withmind", "tamy"],
            cwd=ROOT, env={"DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "receipt_id" in done.stdout
        unregistered = {"result": {"result": "unregistered user"}}
        assert post(server, "/analy_img/", OBAMA).json() == unregistered


def test_stores_and_logs_nothing_private(server: Server) -> None:
    post(server, "/enrollment_img/", OBAMA, KEY, company="the-company", id="a-name-to-hide")
    post(server, "/analy_img/", OBAMA, KEY, company="the-company", id="a-name-to-hide")
    secrets = [KEY.encode(), OBAMA[-9064:-9000], b"\xff\xd8\xff", b"\xec\x8b\x9c\xed\x97\x98"]
    for path in server.log.parent.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
    log = server.log.read_text()
    assert "the-company" not in log
    assert "a-name-to-hide" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any(line.get("route") == "ANY /analy_img/" for line in lines)
