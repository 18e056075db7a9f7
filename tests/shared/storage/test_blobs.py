"""Blobs in a folder and in S3."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from shared.core.blobs import Blobs
from shared.core.errors import BlobChangedError, BlobNotFoundError, BlobTooLargeError
from shared.storage.aws.blobs import S3Blobs
from shared.storage.local.blobs import FileBlobs
from tests.fakes import InMemoryBlobs


@dataclass
class Places:
    blobs: Blobs
    others: Blobs


@pytest.fixture(params=["memory", "folder", "s3"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Places]:
    if request.param == "memory":
        yield Places(InMemoryBlobs(), InMemoryBlobs())
        return
    if request.param == "folder":
        yield Places(FileBlobs(tmp_path / "a"), FileBlobs(tmp_path / "b"))
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        for bucket in ("one", "two"):
            boto3.client("s3").create_bucket(Bucket=f"bucket-{bucket}")
        yield Places(S3Blobs("bucket-one"), S3Blobs("bucket-two"))


@pytest.fixture
def blobs(places: Places) -> Blobs:
    return places.blobs


def test_returns_what_was_put(blobs: Blobs) -> None:
    version = blobs.put("a/b.jpg", b"content")
    blob = blobs.get("a/b.jpg")
    assert (blob.data, blob.version, blob.metadata) == (b"content", version, {})
    info = blobs.stat("a/b.jpg")
    assert info is not None
    assert (info.key, info.version, info.size) == ("a/b.jpg", version, 7)
    assert info.modified_at.utcoffset() is not None


def test_a_missing_blob_is_not_found(blobs: Blobs) -> None:
    assert blobs.stat("a") is None
    with pytest.raises(BlobNotFoundError):
        blobs.get("a")
    blobs.delete("a")
    assert list(blobs.list()) == []


def test_a_replaced_blob_has_a_new_version(blobs: Blobs) -> None:
    assert blobs.put("a", b"1") != blobs.put("a", b"2")
    assert blobs.get("a").data == b"2"


def test_refuses_to_read_a_blob_above_the_limit(blobs: Blobs) -> None:
    blobs.put("a", b"123")
    assert blobs.get("a", max_bytes=3).data == b"123"
    with pytest.raises(BlobTooLargeError):
        blobs.get("a", max_bytes=2)


def test_replaces_only_the_expected_version(blobs: Blobs) -> None:
    first = blobs.replace("a", b"1", expected=None)
    with pytest.raises(BlobChangedError):
        blobs.replace("a", b"2", expected=None)
    second = blobs.replace("a", b"3", expected=first)
    with pytest.raises(BlobChangedError):
        blobs.replace("a", b"4", expected=first)
    assert blobs.get("a").version == second
    with pytest.raises(BlobChangedError):
        blobs.replace("b", b"5", expected=first)
    assert blobs.stat("b") is None


def test_deletes_only_the_expected_version(blobs: Blobs) -> None:
    first = blobs.put("a/b", b"1")
    second = blobs.put("a/b", b"2")
    with pytest.raises(BlobChangedError):
        blobs.delete("a/b", expected=first)
    assert blobs.get("a/b").data == b"2"
    blobs.delete("a/b", expected=second)
    assert blobs.stat("a/b") is None


def test_lists_by_prefix_in_order(blobs: Blobs) -> None:
    for key in ("b", "a/2", "a/1", "ab"):
        blobs.put(key, b"x")
    assert [info.key for info in blobs.list()] == ["a/1", "a/2", "ab", "b"]
    assert [info.key for info in blobs.list("a/")] == ["a/1", "a/2"]


def test_copies_from_another_store(places: Places) -> None:
    first = places.blobs.put("a", b"1")
    places.others.copy(places.blobs, "a", "kept/a", source_version=first, expected=None)
    copied = places.others.get("kept/a")
    assert copied.data == b"1"
    second = places.blobs.put("a", b"2")
    places.others.copy(places.blobs, "a", "kept/a", source_version=second, expected=copied.version)
    assert places.others.get("kept/a").data == b"2"
    with pytest.raises(BlobNotFoundError):
        places.others.copy(places.blobs, "b", "b", source_version=second, expected=None)


def test_a_folder_copies_only_the_expected_version_over_the_expected_one(tmp_path: Path) -> None:
    source, target = FileBlobs(tmp_path / "a"), FileBlobs(tmp_path / "b")
    first, second = source.put("a", b"1"), source.put("a", b"2")
    with pytest.raises(BlobChangedError):
        target.copy(source, "a", "a", source_version=first, expected=None)
    assert target.stat("a") is None
    target.put("a", b"other")
    with pytest.raises(BlobChangedError):
        target.copy(source, "a", "a", source_version=second, expected=None)
    assert target.get("a").data == b"other"


@pytest.mark.parametrize("places", ["s3"], indirect=True)
@pytest.mark.parametrize(
    ("expected", "condition"),
    [(None, {"If-None-Match": "*"}), ('"there"', {"If-Match": '"there"'})],
)
def test_a_copy_sends_both_expected_versions_to_s3(
    places: Places, expected: str | None, condition: dict[str, str]
) -> None:
    """Moto ignores these conditions, so this checks the request itself."""
    assert isinstance(places.others, S3Blobs)
    sent: dict[str, str] = {}
    places.others._s3.meta.events.register(
        "before-call.s3.CopyObject", lambda params, **_: sent.update(params["headers"])
    )
    version = places.blobs.put("a b", b"1")
    with contextlib.suppress(BlobChangedError):
        places.others.copy(places.blobs, "a b", "c", source_version=version, expected=expected)
    assert sent["x-amz-copy-source"] == "bucket-one/a%20b"
    assert sent["x-amz-copy-source-if-match"] == version
    assert {name: sent.get(name) for name in condition} == condition


def test_a_name_may_be_too_long_for_a_sidecar(tmp_path: Path) -> None:
    source, target = FileBlobs(tmp_path / "a"), FileBlobs(tmp_path / "b")
    key = "n" * 255
    version = source.put(key, b"1")
    assert source.get(key).metadata == {}
    target.copy(source, key, key, source_version=version, expected=None)
    source.delete(key)
    assert (source.stat(key), target.get(key).data) == (None, b"1")


def test_a_copy_keeps_the_metadata(tmp_path: Path) -> None:
    source, target = FileBlobs(tmp_path / "a"), FileBlobs(tmp_path / "b")
    for content, text in ((b"1", '{"by": "me"}'), (b"2", None)):
        version = source.put("a", content)
        if text:
            (tmp_path / "a" / "a.metadata.json").write_text(text)
        there = target.stat("c/d")
        target.copy(
            source, "a", "c/d", source_version=version, expected=there.version if there else None
        )
        assert target.get("c/d").metadata == source.get("a").metadata
        source.delete("a")
    assert target.get("c/d").metadata == {}


def test_accepts_only_names_that_it_can_store(blobs: Blobs) -> None:
    for key in ("z", "a/b.jpg", "\N{HANGUL SYLLABLE GA}/a b?*"):
        assert blobs.accepts(key)
        blobs.put(f"x/{key}", b"1")
        assert blobs.accepts(f"x/{key}")
    for key in ("", "a" * 1025, "\N{HANGUL SYLLABLE GA}" * 342, "\ud800"):
        assert not blobs.accepts(key)
        assert blobs.stat(key) is None


def test_a_folder_refuses_the_name_of_a_folder_and_names_below_a_file(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    blobs.put("a/b", b"1")
    assert not blobs.accepts("a")
    assert not blobs.accepts("a/b/c")
    assert not blobs.accepts("c" * 256)
    assert not blobs.accepts("d/" + "c" * 256)
    assert not blobs.accepts("d/" * 2100 + "c")
    assert blobs.accepts("c" * 255)


NOT_BLOBS = ["..", "../a", "a/../../b", "/etc/passwd", "a//b", ".hidden", "a/.b", "", "a\0b"]


@pytest.mark.parametrize("key", [*NOT_BLOBS, "photo.jpg.metadata.json"])
def test_no_key_leads_out_of_the_folder_or_to_its_own_files(tmp_path: Path, key: str) -> None:
    blobs = FileBlobs(tmp_path / "root")
    assert not blobs.accepts(key)
    with pytest.raises(ValueError, match="name"):
        blobs.put(key, b"x")
    assert blobs.stat(key) is None
    with pytest.raises(BlobNotFoundError):
        blobs.get(key)


def test_a_sidecar_is_the_metadata_of_its_file(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.jpg.metadata.json").write_text('{"options": {"draw": true}, "by": "me"}')
    assert [info.key for info in blobs.list()] == ["a.jpg"]
    assert blobs.get("a.jpg").metadata == {"options": '{"draw": true}', "by": "me"}
    blobs.delete("a.jpg")
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize("places", ["s3"], indirect=True)
def test_metadata_that_s3_cannot_send_are_reported(blobs: Blobs) -> None:
    """Moto can send all metadata, so its answer gets the mark that S3 sets."""
    assert isinstance(blobs, S3Blobs)
    blobs.put("a", b"x")
    blobs._s3.meta.events.register(
        "after-call.s3.GetObject", lambda parsed, **_: parsed.update(MissingMeta=1)
    )
    assert "unreadable" in blobs.get("a").metadata


@pytest.mark.parametrize("text", ["{", "[]", "\xff", "[" * 60_000])
def test_metadata_that_cannot_be_read_are_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.jpg.metadata.json").write_text(text, encoding="latin-1")
    assert "unreadable" in FileBlobs(tmp_path).get("a.jpg").metadata


def test_a_file_whose_deletion_was_interrupted_is_put_back(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    blobs.put("a/b", b"1")
    taken = tmp_path / ".taken" / "x" / "a"
    taken.mkdir(parents=True)
    (tmp_path / "a" / "b").rename(taken / "b")
    assert FileBlobs(tmp_path).get("a/b").data == b"1"


def test_a_file_whose_deletion_was_interrupted_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    blobs.put("a", b"new")
    taken = tmp_path / ".taken" / "x"
    taken.mkdir(parents=True)
    (taken / "a").write_bytes(b"old")
    assert FileBlobs(tmp_path).get("a").data == b"new"
    assert list(taken.iterdir()) == []


def test_the_sidecar_of_a_file_is_put_back_with_it(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    taken = tmp_path / ".taken" / "x"
    taken.mkdir(parents=True)
    (taken / "a.jpg").write_bytes(b"1")
    (taken / "a.jpg.metadata.json").write_text('{"options": "o"}')
    assert FileBlobs(tmp_path).get("a.jpg").metadata == {"options": "o"}
    assert list(taken.iterdir()) == []
    blobs.delete("a.jpg")
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize("newer", [True, False])
def test_a_new_file_does_not_get_the_sidecar_of_a_deleted_one(tmp_path: Path, newer: bool) -> None:
    blobs = FileBlobs(tmp_path)
    taken = tmp_path / ".taken" / "x"
    taken.mkdir(parents=True)
    (taken / "a.jpg.metadata.json").write_text('{"options": "o"}')
    if newer:
        (taken / "a.jpg").write_bytes(b"old")
        blobs.put("a.jpg", b"new")
    FileBlobs(tmp_path)
    assert blobs.put("a.jpg", b"new") == blobs.get("a.jpg").version
    assert blobs.get("a.jpg").metadata == {}
    assert list(taken.iterdir()) == []


def test_a_file_whose_writing_was_interrupted_is_removed(tmp_path: Path) -> None:
    partial = tmp_path / ".partial" / "x"
    partial.parent.mkdir()
    partial.write_bytes(b"a photo of som")
    assert list(FileBlobs(tmp_path).list()) == []
    assert not partial.exists()


def test_a_file_that_another_process_writes_is_not_removed(tmp_path: Path) -> None:
    source = FileBlobs(tmp_path / "source")
    version = source.put("s", b"x" * 100_000)

    def write(number: int) -> None:
        blobs = FileBlobs(tmp_path / "root")
        for _ in range(5):
            blobs.put(f"put {number}", b"x" * 100_000)
            key = f"{number}/{uuid.uuid4()}"
            blobs.copy(source, "s", key, source_version=version, expected=None)
            FileBlobs(tmp_path / "root")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(list(FileBlobs(tmp_path / "root").list())) == 24


def test_the_age_of_a_file_is_the_time_since_it_arrived(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    before = datetime.now(UTC) - timedelta(seconds=1)
    (tmp_path / "a.jpg").write_bytes(b"x")
    os.utime(tmp_path / "a.jpg", (1e9, 1e9))  # as `cp -p` and `mv` of an old photo
    info = blobs.stat("a.jpg")
    assert info is not None
    assert before < info.modified_at < datetime.now(UTC) + timedelta(seconds=1)


def test_a_folder_that_vanishes_during_a_listing_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path / "root")
    for key in ("gone/a", "kept/a"):
        blobs.put(key, b"x")
    scandir = os.scandir

    def vanish(folder: str) -> object:
        if Path(folder).name == "gone":
            Path(folder, "a").unlink()
            Path(folder).rmdir()
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", vanish)
    assert [info.key for info in blobs.list()] == ["kept/a"]


def test_a_delete_keeps_the_folder_of_a_file_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path / "root")
    blobs.put("a/1", b"x")
    make = Path.mkdir

    def delete_then(folder: Path, mode: int = 0o777, **options: bool) -> None:
        make(folder, mode, **options)
        if folder.name == "a":
            monkeypatch.undo()
            wait([pool.submit(blobs.delete, "a/1")], timeout=0.1)

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(Path, "mkdir", delete_then)
        blobs.put("a/2", b"x")
    assert [info.key for info in blobs.list()] == ["a/2"]


def test_only_the_owner_can_open_the_folder_and_its_parent(tmp_path: Path) -> None:
    FileBlobs(tmp_path / "data" / "inbox")
    for folder in (tmp_path / "data", tmp_path / "data" / "inbox"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_is_not_a_blob(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_bytes(b"not yours")
    blobs, others = FileBlobs(tmp_path / "root"), FileBlobs(tmp_path / "others")
    (tmp_path / "root" / "link.jpg").symlink_to(secret / "file")
    (tmp_path / "root" / "folder").symlink_to(secret)
    assert list(blobs.list()) == []
    assert blobs.stat("link.jpg") is None
    with pytest.raises(BlobNotFoundError):
        blobs.get("link.jpg")
    with pytest.raises(BlobNotFoundError):
        others.copy(blobs, "link.jpg", "copy", source_version="", expected=None)
    blobs.delete("link.jpg")
    assert (secret / "file").read_bytes() == b"not yours"
