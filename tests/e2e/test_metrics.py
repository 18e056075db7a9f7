"""GET /metrics of real servers: the sum over their processes, over HTTP."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.e2e.server import Server, running

CALLS = re.compile(r"^face_functions_calls_total\{(.*)\} (.*)$", re.MULTILINE)
OUTCOME = 'outcome="MissingKeyError",route="POST /FaceDeID"'


def call(server: Server, times: int) -> None:
    """Call with a connection each, so that every worker gets some of them."""
    with ThreadPoolExecutor(8) as pool:
        url = server.url + "/FaceDeID"
        replies = list(pool.map(lambda _: requests.post(url, timeout=60), range(times)))
    assert {reply.status_code for reply in replies} == {403}


def counted(server: Server) -> dict[str, float]:
    """Return the calls by the labels of their series."""
    reply = requests.get(server.url + "/metrics", timeout=60)
    assert reply.status_code == 200
    return {labels: float(value) for labels, value in CALLS.findall(reply.text)}


def workers(server: Server) -> list[int]:
    """Return the ids of the processes that have counted: each opens its file when it starts."""
    folder = server.log.parent / "data" / "metrics"
    return sorted(int(file.stem.partition("_")[2]) for file in folder.glob("histogram_*.db"))


def test_sums_over_the_workers_and_those_that_were_killed(tmp_path: Path) -> None:
    with running("serve", tmp_path, WORKERS="2") as server:
        call(server, 60)
        assert counted(server) == {OUTCOME: 60}
        before = workers(server)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        end = time.monotonic() + 60
        while len(workers(server)) < 3 and time.monotonic() < end:
            time.sleep(0.2)
        call(server, 40)
        assert {tuple(counted(server).items()) for _ in range(6)} == {((OUTCOME, 100.0),)}
        assert len(workers(server)) == 3


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
        assert requests.get(server.url + "/metrics", timeout=60).status_code == 404
        assert server.log.read_text().count('"calls": 1') == (where == "emf")
        assert not (tmp_path / "data" / "metrics").exists()
