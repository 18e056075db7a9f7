"""Quotas over HTTP, against a server of several processes and the command line beside it."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from harness import builders
from harness.processes import TIMEOUT_S
from harness.server import Server, running
from shared.config import ROOT


def command(folder: Path, *words: str) -> Any:
    """Return what a command of the server's deployment answers in JSON."""
    output = subprocess.run(
        [sys.executable, "-m", "local_runner", *words, "--json"],
        cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE,
        env={"DATA_DIR": str(folder / "data"), "PATH": "/usr/bin"},
    ).stdout  # fmt: skip
    return json.loads(output)


def call(server: Server, key: str) -> str:
    body = builders.deid_body(b"no image")
    headers = {"Authorization": key}
    reply = requests.post(server.url + "/FaceDeID", json=body, headers=headers, timeout=TIMEOUT_S)
    return str(reply.json().get("reason", "served"))


def test_of_forty_calls_at_once_ten_are_served_and_more_after_the_limit_is_raised(
    tmp_path: Path,
) -> None:
    key = command(tmp_path, "keys", "create", "shop", "--tenant", "acme", "--daily", "10")["text"]
    with running("serve", tmp_path, WORKERS="3") as server:
        with ThreadPoolExecutor(12) as pool:
            outcomes = Counter(pool.map(lambda _: call(server, key), range(40)))
        assert outcomes == {"served": 10, "Daily Limit Exceeded": 30}
        command(tmp_path, "keys", "limit", "shop", "--daily", "11")
        assert [call(server, key) for _ in range(2)] == ["served", "Daily Limit Exceeded"]
        command(tmp_path, "keys", "block", "shop")
        assert call(server, key) == "Blocked KEY"
        assert key not in server.log.read_text()
    assert {row["calls"] for row in command(tmp_path, "usage", "shop")} == {11}
