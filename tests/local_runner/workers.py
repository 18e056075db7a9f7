"""A worker process that invokes the handlers of `triggers/handlers.py`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.command_line import Process, started
from harness.processes import wait_for

_TEMPLATE = """
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
_SCRIPT = """
import sys
from pathlib import Path
from local_runner import template, worker
from shared import log
from local_runner.settings import RunnerSettings
from shared.config import Settings
log.configure("INFO")
settings, runner = Settings.from_environment(), RunnerSettings.from_environment()
worker.run(settings, runner, template.read(Path(sys.argv[1])), with_parent=bool(sys.argv[2:]))
"""


@dataclass(frozen=True)
class Worker:
    """A running worker and its folders."""

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
def running(folder: Path, *words: str, **environ: str) -> Iterator[Worker]:
    """Run a worker with the template of this module until the block ends."""
    folder.mkdir(exist_ok=True)
    template = folder / "template.yaml"
    template.write_text(_TEMPLATE)
    with started(folder, "-c", _SCRIPT, template, *words, **environ) as process:
        wait_for(lambda: process.said("NoteFunction") and process.said("TickFunction"))
        yield Worker(process, folder / "data")
