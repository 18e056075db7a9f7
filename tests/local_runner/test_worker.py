"""The worker process, and its keeper, as real processes."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.config import ROOT
from tests.local_runner.command_line import environment
from tests.processes import of_session, wait_for
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
class Process:
    """A process under test, whose standard input is open, and those that it starts."""

    popen: subprocess.Popen[str]
    folder: Path

    @property
    def outbox(self) -> Path:
        return self.folder / "data" / "outbox"

    def said(self, text: str) -> bool:
        return text in (self.folder / "log").read_text()

    def put(self, name: str, data: bytes) -> None:
        (self.folder / "data" / "inbox" / name).write_bytes(data)

    def end_input(self) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.close()

    def running(self, *words: str) -> list[int]:
        return of_session(self.popen.pid, *words)

    def worker(self) -> int:
        """Return the worker that the keeper has started and that listens to its input."""
        (pid,) = wait_for(lambda: self.running("--with-parent"))
        return pid


@contextlib.contextmanager
def process(folder: Path, *words: str) -> Iterator[Process]:
    with (folder / "log").open("w") as log:
        popen = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=environment(folder), text=True,
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    with popen:
        try:
            yield Process(popen, folder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)


@contextlib.contextmanager
def worker(folder: Path, *words: str) -> Iterator[Process]:
    """Run a worker on the template of this module until the block ends."""
    template = folder / "template.yaml"
    template.write_text(TEMPLATE)
    with process(folder, "-c", SCRIPT, str(template), *words) as started:
        wait_for(lambda: started.said("NoteFunction") and started.said("TickFunction"))
        yield started


def test_fires_for_files_for_changes_and_for_the_time(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        process.put("a.jpg", b"12345")
        store = sqlite_store(tmp_path / "data")
        group = store.create()
        store.add(group, 1)
        size = process.outbox / "a.jpg.size"
        wait_for(size.exists)
        assert size.read_text() == "5"
        wait_for((process.outbox / "changed" / group.generation).exists)
        wait_for((process.outbox / "ticked").exists)
        assert not (tmp_path / "data" / "inbox" / "a.jpg").exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_it_is_told_to(tmp_path: Path, how: signal.Signals) -> None:
    with worker(tmp_path) as process:
        process.popen.send_signal(how)
        assert process.popen.wait(30) == 0


def test_with_a_parent_ends_with_its_input_and_leaves_ctrl_c_to_it(tmp_path: Path) -> None:
    with worker(tmp_path, "with parent") as process:
        process.popen.send_signal(signal.SIGINT)
        process.put("a.jpg", b"1")
        wait_for((process.outbox / "a.jpg.size").exists)
        process.end_input()
        assert process.popen.wait(30) == 0


def test_what_was_under_way_when_it_was_killed_is_done_after_the_next_start(
    tmp_path: Path,
) -> None:
    with worker(tmp_path) as process:
        for number in range(20):
            process.put(f"{number}.jpg", b"x")
        wait_for(lambda: list(process.outbox.glob("*.size")))
        process.popen.kill()
    with worker(tmp_path) as process:
        wait_for(lambda: len(list(process.outbox.glob("*.size"))) == 20)


def test_a_keeper_starts_another_worker_where_one_dies(tmp_path: Path) -> None:
    with process(tmp_path, "-m", "local_runner.keeper") as keeper:
        first = keeper.worker()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: keeper.said("another is started"))
        assert keeper.worker() != first
        keeper.end_input()
        assert keeper.popen.wait(30) == 0
        assert keeper.running() == []


def test_a_worker_ends_when_its_keeper_is_killed(tmp_path: Path) -> None:
    with process(tmp_path, "-m", "local_runner.keeper") as keeper:
        keeper.worker()
        keeper.popen.kill()
        wait_for(lambda: keeper.running() == [])
