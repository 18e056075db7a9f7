"""Files dropped into the inbox folder."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import builders
from local_runner.triggers.inbox import InboxPoller
from shared.app import App
from shared.core.blobs import BlobInfo
from shared.events.s3 import on_uploads
from shared.storage.local.blobs import FileBlobs
from tests.local_runner.triggers.recorder import Clock, Recorder


class Folder:
    """An inbox folder, its poller, and the function that is invoked."""

    def __init__(self, path: Path, batch_size: int = 10) -> None:
        self.path = path
        self.called = Recorder()
        self.clock = Clock()
        self.blobs = FileBlobs(path)
        self.inbox = InboxPoller(
            self.blobs, "inbox", self.called, batch_size=batch_size, clock=self.clock
        )

    def drop(self, name: str, data: bytes = b"x") -> None:
        (self.path / name).write_bytes(data)

    def poll(self, *, after_s: float = 0.6) -> list[str]:
        """Poll until nothing is left to do; return the delivered keys, in order."""
        self.clock.now += after_s
        while self.inbox.poll():
            continue
        return [keys_of(record)[0] for record in self.called.take()]


def keys_of(record: Mapping[str, Any]) -> list[str]:
    uploads = json.loads(record["body"])["Records"]
    return [upload["s3"]["object"]["key"] for upload in uploads]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "inbox")


def test_delivers_each_file_once(folder: Folder) -> None:
    folder.drop("a.jpg")
    assert [folder.poll() for _ in range(3)] == [[], ["a.jpg"], []]


def test_waits_until_a_file_that_is_being_copied_is_complete(folder: Folder) -> None:
    for size in range(1, 5):
        folder.drop("a.jpg", b"x" * size)
        assert folder.poll() == []
    assert folder.poll(after_s=0.4) == []
    assert folder.poll(after_s=0.2) == ["a.jpg"]


def test_an_event_is_an_s3_event_inside_an_sqs_event(folder: Folder) -> None:
    folder.drop("größe 1+1.jpg", b"1234")
    folder.poll()
    folder.clock.now += 1
    folder.inbox.poll()
    (event,) = folder.called.events
    (message,) = event["Records"]
    assert message["eventSource"] == "aws:sqs"
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    (upload,) = json.loads(message["body"])["Records"]
    assert (upload["eventSource"], upload["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert upload["s3"]["bucket"]["name"] == "inbox"
    info = folder.blobs.stat("größe 1+1.jpg")
    assert info is not None
    file = upload["s3"]["object"]
    assert file["key"] == "gr%C3%B6%C3%9Fe+1%2B1.jpg"
    assert (file["size"], file["eTag"]) == (4, info.version)
    assert int(file["sequencer"], 16) > 0


@pytest.mark.parametrize("name", ["größe 1+1%.jpg", "사진/a.jpg", os.fsdecode(b"\xbb\xe7.jpg")])
def test_a_handler_gets_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    keys = []

    @on_uploads
    def handler(key: str, _app: App, *, is_last: bool) -> None:
        keys.append(key)

    app = builders.app(tmp_path)
    clock = Clock()

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        return handler(dict(event), None, app)

    inbox = InboxPoller(app.inbox, app.settings.inbox_bucket, call, batch_size=10, clock=clock)
    app.inbox.put(name, b"x")
    inbox.poll()
    clock.now += 1
    inbox.poll()
    assert keys == [name]


def test_an_event_holds_no_more_than_a_batch(tmp_path: Path) -> None:
    folder = Folder(tmp_path, batch_size=2)
    for number in range(5):
        folder.drop(f"{number}.jpg")
    folder.inbox.poll()
    folder.clock.now += 1
    assert [folder.inbox.poll() for _ in range(3)] == [True, True, False]
    assert [len(event["Records"]) for event in folder.called.events] == [2, 2, 1]


def test_delivers_a_replaced_file_again(folder: Folder) -> None:
    folder.drop("a.jpg", b"1")
    folder.poll()
    assert folder.poll() == ["a.jpg"]
    folder.drop("a.jpg", b"22")
    assert [folder.poll() for _ in range(3)] == [[], ["a.jpg"], []]


def test_delivers_a_file_again_that_was_replaced_while_it_was_processed(folder: Folder) -> None:
    folder.drop("a.jpg", b"1")
    folder.poll()
    folder.called.during = lambda: folder.drop("a.jpg", b"22")
    assert folder.poll() == ["a.jpg"]
    folder.called.during = lambda: None
    assert [folder.poll() for _ in range(3)] == [[], ["a.jpg"], []]


def test_waits_for_a_file_that_changes_while_others_are_processed(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path, batch_size=1)
    folder.drop("a.jpg")
    folder.drop("b.jpg")
    folder.poll()
    folder.called.during = lambda: folder.drop("b.jpg", b"22")
    assert folder.poll() == ["a.jpg"]
    assert [folder.poll() for _ in range(2)] == [[], ["b.jpg"]]


def test_forgets_a_removed_file_and_delivers_a_new_one_of_its_name(folder: Folder) -> None:
    folder.drop("a.jpg")
    folder.poll()
    assert folder.poll() == ["a.jpg"]
    (folder.path / "a.jpg").unlink()
    assert folder.poll() == []
    folder.drop("a.jpg")
    assert [folder.poll() for _ in range(2)] == [[], ["a.jpg"]]


def test_tries_a_failing_file_five_times_with_growing_pauses(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.called.fails = lambda record: keys_of(record) == ["bad.jpg"]
    folder.drop("bad.jpg")
    folder.drop("good.jpg")
    folder.poll()
    assert folder.poll() == ["bad.jpg", "good.jpg"]
    for pause_s in (2, 4, 8, 16):
        assert folder.poll(after_s=pause_s - 0.1) == []
        assert folder.poll(after_s=0.2) == ["bad.jpg"]
    assert "left alone" in caplog.text
    assert folder.poll(after_s=1e6) == []
    folder.drop("bad.jpg", b"another")
    assert [folder.poll() for _ in range(2)] == [[], ["bad.jpg"]]


def test_a_retried_message_keeps_its_id_and_counts_its_deliveries(folder: Folder) -> None:
    folder.called.fails = lambda _record: True
    folder.drop("a.jpg")
    for _ in range(3):
        folder.clock.now += 10
        folder.inbox.poll()
    first, second = folder.called.take()
    assert first["messageId"] == second["messageId"]
    counts = [m["attributes"]["ApproximateReceiveCount"] for m in (first, second)]
    assert counts == ["1", "2"]


def test_retries_all_files_of_a_batch_if_the_function_fails_as_a_whole(
    folder: Folder,
) -> None:
    folder.called.fails = folder.called.raises
    folder.drop("a.jpg")
    folder.drop("b.jpg")
    folder.poll()
    assert folder.poll() == ["a.jpg", "b.jpg"]
    folder.called.fails = lambda _record: False
    assert folder.poll(after_s=2.1) == ["a.jpg", "b.jpg"]
    assert folder.poll(after_s=1e6) == []


def test_after_a_restart_delivers_the_files_that_are_still_there(tmp_path: Path) -> None:
    Folder(tmp_path).drop("a.jpg")
    for _ in range(2):
        folder = Folder(tmp_path)
        folder.poll()
        assert folder.poll() == ["a.jpg"]


def test_lists_a_slow_folder_less_often(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    slow = SlowFolder(tmp_path, folder.clock, listing_s=3)
    inbox = InboxPoller(slow, "inbox", folder.called, batch_size=10, clock=folder.clock)
    for _ in range(30):
        inbox.poll()
        folder.clock.now += 1
    assert slow.listings == 3


class SlowFolder(FileBlobs):
    """A folder that takes long to list, by the clock of the test."""

    def __init__(self, path: Path, clock: Clock, *, listing_s: float) -> None:
        super().__init__(path)
        self.listings = 0
        self._clock = clock
        self._listing_s = listing_s

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        self.listings += 1
        self._clock.now += self._listing_s
        return super().list(prefix)
