"""Uploads from the inbox to the receipt on both backends, and processes that end together."""

import contextlib
import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from harness import photos
from harness.command_line import started
from harness.processes import TIMEOUT_S, of_session, wait_for
from harness.server import Server, running
from shared.core.blobs import BlobInfo, Blobs
from shared.storage.aws.blobs import S3Blobs
from shared.storage.aws.dynamodb import DynamoDb
from shared.storage.aws.faces import DynamoFaces
from shared.storage.aws.groups import DynamoGroups
from shared.storage.local.blobs import FileBlobs
from tests.e2e import aws
from tests.local_runner import workers
from tests.shared.storage.stores import Store

BROKEN = b"\xff\xd8\xff no photo"


@contextlib.contextmanager
def local(folder: Path) -> Iterator[tuple[Blobs, Blobs]]:
    """Run a server for development; yield its inbox and outbox."""
    with running("run", folder, TRIGGERS="on") as server:
        inbox, outbox = folder / "data" / "inbox", folder / "data" / "outbox"
        assert f"Photos put into {inbox} come out in {outbox}" in server.log.read_text()
        yield FileBlobs(inbox), FileBlobs(outbox)


@contextlib.contextmanager
def stand_in() -> Iterator[dict[str, str]]:
    """Run a stand-in for AWS, also for the clients of this process."""
    with aws.running() as environ, pytest.MonkeyPatch.context() as environment:
        for name, value in environ.items():
            environment.setenv(name, value)
        yield environ


@contextlib.contextmanager
def cloud(folder: Path) -> Iterator[tuple[Blobs, Blobs]]:
    """Run a worker on a stand-in for AWS; yield its buckets."""
    with stand_in() as environ, started(folder, "-m", "local_runner", "work", **environ):
        yield S3Blobs(environ["INBOX_BUCKET"]), S3Blobs(environ["OUTBOX_BUCKET"])


@pytest.mark.parametrize("backend", [local, cloud])
def test_processes_an_upload_and_quarantines_a_broken_one(tmp_path: Path, backend: Any) -> None:
    photo = photos.astronaut_jpeg()
    with backend(tmp_path) as (inbox, outbox):
        inbox.put("사진/a b+c.jpg", photo)
        inbox.put("broken.jpg", BROKEN)
        wait_for(lambda: outbox.stat("사진/a b+c.jpg.json"))
        receipt = json.loads(outbox.get("사진/a b+c.jpg.json").data)
        hidden = outbox.get("사진/a b+c.jpg").data
        assert (receipt["faces"], receipt["boxes"][0]["action"]) == (1, "hidden")
        assert receipt["source"]["sha256"] == hashlib.sha256(photo).hexdigest()
        assert receipt["output"]["sha256"] == hashlib.sha256(hidden).hexdigest()
        assert hidden != photo
        wait_for(lambda: outbox.stat("quarantine/reasons/broken.jpg.json"))
        assert outbox.get("quarantine/files/broken.jpg").data == BROKEN
        assert json.loads(outbox.get("quarantine/reasons/broken.jpg.json").data)["reason"]
        wait_for(lambda: not keys(inbox))


def wait_until_there_are_more(blobs: Blobs) -> None:
    before = len(keys(blobs))
    wait_for(lambda: len(keys(blobs)) > before)


def keys(blobs: Blobs) -> list[BlobInfo]:
    return list(blobs.list())


def test_messages_that_were_processed_leave_the_queue(tmp_path: Path) -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with stand_in() as environ:
        sqs, url = boto3.client("sqs"), environ["UPLOAD_QUEUE_URL"]

        def count() -> int:
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            return sum(int(number) for number in answer["Attributes"].values())

        S3Blobs(environ["INBOX_BUCKET"]).put("broken.jpg", BROKEN)
        assert count() >= 1  # S3 also sends a test message when the queue is configured
        with started(tmp_path, "-m", "local_runner", "work", **environ):
            wait_for(lambda: count() == 0)


def test_a_worker_follows_the_stream_of_a_table(tmp_path: Path) -> None:
    with stand_in() as environ:
        client, tables = DynamoDb(), (environ["GROUPS_TABLE"], environ["FACES_TABLE"])
        store = Store(DynamoGroups(client, *tables), DynamoFaces(client, *tables))
        outbox = S3Blobs(environ["OUTBOX_BUCKET"])
        first, second = store.create("first"), store.create("second")
        store.add(first, 2)
        with workers.running(tmp_path, **environ):
            wait_for(lambda: outbox.stat(f"changed/{first.generation}"))
            store.add(second, 1)
            wait_for(lambda: outbox.stat(f"changed/{second.generation}"))


@contextlib.contextmanager
def with_worker(command: str, folder: Path) -> Iterator[Server]:
    """Run a server and wait for its worker."""
    with running(command, folder, TRIGGERS="on", WORKERS="1") as server:
        wait_for(lambda: of_session(server.process.pid, "--with-parent"))
        yield server


@pytest.mark.parametrize("command", ["run", "serve"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_a_server(tmp_path: Path, command: str, how: signal.Signals) -> None:
    with with_worker(command, tmp_path) as server:
        server.stop(how)
        wait_for(lambda: not of_session(server.process.pid))
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("command", ["run", "serve"])
def test_killing_a_worker_stops_neither_uploads_nor_calls(tmp_path: Path, command: str) -> None:
    with with_worker(command, tmp_path) as server:
        (worker,) = of_session(server.process.pid, "--with-parent")
        os.kill(worker, signal.SIGKILL)
        assert requests.get(server.url + "/health", timeout=TIMEOUT_S).status_code == 200
        FileBlobs(tmp_path / "data" / "inbox").put("broken.jpg", BROKEN)
        wait_for((tmp_path / "data" / "outbox" / "quarantine" / "files" / "broken.jpg").exists)
        assert "the worker died; another is started" in server.log.read_text()


@pytest.mark.parametrize("seed", [1, 2])
def test_processes_every_upload_completely_although_workers_are_killed(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same each time, by the seed
    good = [f"{number}.jpg" for number in range(20)]
    broken = [f"broken {number}.jpg" for number in range(4)]
    with with_worker("run", tmp_path) as server:
        inbox, outbox = (FileBlobs(tmp_path / "data" / name) for name in ("inbox", "outbox"))
        for name in chance.sample([*good, *broken], 24):
            inbox.put(name, photos.astronaut_jpeg() if name in good else BROKEN)
        for _ in range(2):
            wait_until_there_are_more(outbox)
            time.sleep(chance.uniform(0, 0.3))
            for worker in of_session(server.process.pid, "--with-parent"):
                os.kill(worker, signal.SIGKILL)
        wait_for(lambda: not keys(inbox))
    assert {info.key for info in outbox.list()} == {
        *good,
        *(f"{name}.json" for name in good),
        *(f"quarantine/files/{name}" for name in broken),
        *(f"quarantine/reasons/{name}.json" for name in broken),
    }
    for name in good:
        receipt = json.loads(outbox.get(f"{name}.json").data)
        hidden = outbox.get(name).data
        assert receipt["faces"] == 1
        assert receipt["output"]["sha256"] == hashlib.sha256(hidden).hexdigest()


@pytest.mark.parametrize("command", ["run", "serve"])
def test_triggers_off_starts_no_worker(tmp_path: Path, command: str) -> None:
    with running(command, tmp_path, TRIGGERS="off", WORKERS="1") as server:
        assert not of_session(server.process.pid, "local_runner.supervisor")
        assert "Photos put into" not in server.log.read_text()
