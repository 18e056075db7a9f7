"""The worker process, and its keeper, as real processes."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.local_runner.command_line import Process, started
from tests.processes import wait_for
from tests.shared.storage.stores import sqlite_store

TEMPLATE = """
Resources:
  CountFunction:
    Type: AWS::Serverless::Function
    Properties:
      ImageConfig: {Command: [tests.local_runner.triggers.handlers.count_bytes]}
      Events: {Upload: {Type: SQS, Properties: {Queue: !GetAtt UploadQueue.Arn, BatchSize: 2}}}
  NoteFunction:
    Type: AWS::Serverless::Function
    Properties:
      ImageConfig: {Command: [tests.local_runner.triggers.handlers.note_change]}
      Events: {Change: {Type: DynamoDB, Properties: {Stream: !GetAtt FacesTable.StreamArn}}}
  TickFunction:
    Type: AWS::Serverless::Function
    Properties:
      ImageConfig: {Command: [tests.local_runner.triggers.handlers.note_time]}
      Events: {Tick: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}
"""
# `work` with another template
SCRIPT = """
import sys
from pathlib import Path
from local_runner import template, worker
from shared import log
from shared.config import RunnerSettings, Settings
log.configure("INFO")
settings, runner = Settings.from_environment(), RunnerSettings.from_environment()
worker.run(settings, runner, template.read(Path(sys.argv[1])), with_parent=bool(sys.argv[2:]))
"""


@dataclass(frozen=True)
class Worker:
    """A running worker, and the folders that it works on."""

    process: Process
    data: Path

    @property
    def outbox(self) -> Path:
        return self.data / "outbox"

    def put(self, name: str, content: bytes) -> None:
        (self.data / "inbox" / name).write_bytes(content)

    def sizes(self) -> list[Path]:
        return list(self.outbox.glob("*.size"))


@contextlib.contextmanager
def worker(folder: Path, *words: str) -> Iterator[Worker]:
    """Run a worker on the template of this module until the block ends."""
    folder.mkdir(exist_ok=True)
    template = folder / "template.yaml"
    template.write_text(TEMPLATE)
    with started(folder, "-c", SCRIPT, template, *words) as process:
        wait_for(lambda: process.said("NoteFunction") and process.said("TickFunction"))
        yield Worker(process, folder / "data")


def worker_of(keeper: Process) -> int:
    (pid,) = wait_for(lambda: keeper.running("--with-parent"))
    return pid


def test_fires_for_files_for_changes_and_for_the_time(tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        running.put("a.jpg", b"12345")
        store = sqlite_store(running.data)
        group = store.create()
        store.add(group, 1)
        wait_for((running.outbox / "a.jpg.size").exists)
        assert (running.outbox / "a.jpg.size").read_text() == "5"
        wait_for((running.outbox / "changed" / group.generation).exists)
        wait_for((running.outbox / "ticked").exists)
        wait_for(lambda: not (running.data / "inbox" / "a.jpg").exists())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_it_is_told_to(tmp_path: Path, how: signal.Signals) -> None:
    with worker(tmp_path) as running:
        running.process.popen.send_signal(how)
        assert running.process.popen.wait(30) == 0


def test_with_a_parent_ends_with_its_input_and_leaves_ctrl_c_to_it(tmp_path: Path) -> None:
    with worker(tmp_path, "with parent") as running:
        running.process.popen.send_signal(signal.SIGINT)
        running.put("a.jpg", b"1")
        wait_for(running.sizes)
        running.process.end_input()
        assert running.process.popen.wait(30) == 0


def test_what_was_under_way_when_it_was_killed_is_done_after_the_next_start(
    tmp_path: Path,
) -> None:
    with worker(tmp_path) as running:
        for number in range(20):
            running.put(f"{number}.jpg", b"x")
        wait_for(running.sizes)
        running.process.popen.kill()
    with worker(tmp_path) as running:
        wait_for(lambda: len(running.sizes()) == 20)


def test_two_workers_at_once_lose_nothing(tmp_path: Path) -> None:
    with worker(tmp_path) as running, worker(tmp_path):
        for number in range(40):
            running.put(f"{number}.jpg", b"x" * number)
        wait_for(lambda: not list((running.data / "inbox").glob("*.jpg")))
        contents = {path.name: path.read_text() for path in running.sizes()}
        assert contents == {f"{number}.jpg.size": str(number) for number in range(40)}


def test_a_keeper_starts_another_worker_where_one_dies(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "local_runner.keeper") as keeper:
        first = worker_of(keeper)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: keeper.said("another is started"))
        assert worker_of(keeper) != first
        keeper.end_input()
        assert keeper.popen.wait(30) == 0
        assert keeper.running() == []


def test_a_worker_ends_when_its_keeper_is_killed(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "local_runner.keeper") as keeper:
        worker_of(keeper)
        keeper.popen.kill()
        wait_for(lambda: keeper.running() == [])
