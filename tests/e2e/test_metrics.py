"""GET /metrics of real servers: the sum over their processes, over HTTP."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from harness import photos
from harness.processes import TIMEOUT_S, wait_for
from harness.server import Server, running

CALLS = re.compile(r"^face_functions_calls_total\{(.*)\} (.*)$", re.MULTILINE)
OUTCOME = 'outcome="MissingKeyError",route="POST /FaceDeID"'


def call(server: Server, times: int) -> None:
    """Call with a connection each, so that every worker gets some of them."""
    with ThreadPoolExecutor(8) as pool:
        url = server.url + "/FaceDeID"
        replies = list(pool.map(lambda _: requests.post(url, timeout=TIMEOUT_S), range(times)))
    assert {reply.status_code for reply in replies} == {403}


def counted(server: Server) -> dict[str, float]:
    """Return the calls by the labels of their series."""
    return {labels: float(value) for labels, value in CALLS.findall(exposition(server))}


def exposition(server: Server) -> str:
    reply = requests.get(server.url + "/metrics", timeout=TIMEOUT_S)
    assert reply.status_code == 200
    return reply.text


def workers(server: Server) -> list[int]:
    """Return the ids of the processes that have counted: each opens its file when it starts."""
    folder = server.log.parent / "data" / "metrics"
    return sorted(int(file.stem.partition("_")[2]) for file in folder.glob("histogram_*.db"))


def test_sums_over_the_workers_and_those_that_were_killed(tmp_path: Path) -> None:
    with running("serve", tmp_path, WORKERS="2", TRIGGERS="off") as server:
        call(server, 60)
        assert counted(server) == {OUTCOME: 60}
        wait_for(lambda: len(workers(server)) == 2)
        before = workers(server)
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: len(workers(server)) == 3)
        call(server, 40)
        assert {tuple(counted(server).items()) for _ in range(6)} == {((OUTCOME, 100.0),)}


@pytest.mark.parametrize("command", ["run", "serve"])
def test_shows_what_the_worker_beside_the_server_did(tmp_path: Path, command: str) -> None:
    with running(command, tmp_path, WORKERS="1", TRIGGERS="on") as server:
        inbox = tmp_path / "data" / "inbox"
        wait_for(inbox.exists)
        for name, data in {"a.jpg": photos.astronaut_jpeg(), "b.jpg": b"no photo"}.items():
            (tmp_path / name).write_bytes(data)
            (tmp_path / name).rename(inbox / name)
        wait_for(lambda: exposition(server).count("face_functions_uploads_total{") == 2)
        lines = exposition(server).splitlines()
        call(server, 3)
        assert counted(server) == {OUTCOME: 3}
    for line in (
        'face_functions_uploads_total{result="deidentified"} 1.0',
        'face_functions_uploads_total{result="quarantined"} 1.0',
        'face_functions_faces_hidden_total{method="veil"} 1.0',
        "face_functions_faces_found_sum 1.0",
    ):
        assert line in lines


def test_a_server_that_starts_again_counts_from_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        data = str(tmp_path / "data")
        with running("run", folder, DATA_DIR=data) as server:
            assert counted(server) == {}
            call(server, 3)
            assert counted(server) == {OUTCOME: 3}


@pytest.mark.parametrize("where", ["none", "emf"])
def test_a_server_that_counts_elsewhere_shows_none(tmp_path: Path, where: str) -> None:
    with running("run", tmp_path, METRICS=where) as server:
        call(server, 1)
        assert requests.get(server.url + "/metrics", timeout=TIMEOUT_S).status_code == 404
        assert server.log.read_text().count('"calls": 1') == (where == "emf")
        assert not (tmp_path / "data" / "metrics").exists()
