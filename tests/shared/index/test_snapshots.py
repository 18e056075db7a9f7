"""Search through snapshots, codes and graphs, compared with a plain scan of the group."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from harness.processes import wait_for
from shared.core.errors import StoreUnavailableError
from shared.core.recognition.snapshots import manifest_key, part_key
from shared.index.groups import GroupIndex
from shared.index.vectors import GroupVectors
from tests.shared.index.story import PLENTY, Story

pytestmark = pytest.mark.integration  # the first graph of a process is compiled

FACES = 1500
LARGE = 1000  # faces; groups of this size have snapshots


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A group with a graph over most of its faces, and some additions and removals since."""
    return changed_since_its_snapshot(Story(tmp_path, min_faces=LARGE, graph_min_faces=LARGE))


@pytest.fixture
def plain(tmp_path: Path) -> Story:
    """The same without a graph, which is the default."""
    return changed_since_its_snapshot(Story(tmp_path, min_faces=LARGE))


@pytest.fixture
def no_background_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search starts a refresh, so a test decides when codes are attached."""
    monkeypatch.setattr(GroupIndex, "_is_refresh_due", lambda *_: False)


def changed_since_its_snapshot(story: Story) -> Story:
    story.add(FACES)
    assert story.builder.build(story.group())
    story.add(40)
    story.remove(60)
    return story


def version_in_force(story: Story) -> str:
    manifest = story.snapshots.manifest(story.group())
    assert manifest is not None
    return manifest.version


def wait_until_ready(story: Story) -> None:
    """Search once, and wait until the background thread has attached the codes."""
    story.check()
    wait_for(lambda: story.index.is_ready(story.group()))


def search_without_refresh(story: Story) -> None:
    """Search at a time when no look for codes is due, so that no thread attaches them."""
    story.now = -1.0
    story.check()


def wait_for_graph(story: Story) -> None:
    wait_until_ready(story)
    assert graph_is_used(story)


def graph_is_used(story: Story) -> bool:
    return vectors_of(story).has_graph


def check_without_graph(story: Story) -> None:
    """Check that a new process gives the right results without a graph."""
    story.index = story.fresh_index()
    wait_until_ready(story)
    assert not graph_is_used(story)
    story.check()


def vectors_of(story: Story) -> GroupVectors:
    (vectors,) = story.index._groups.values()
    return vectors


def test_a_fresh_process_reads_only_what_changed_since_the_snapshot(story: Story) -> None:
    story.index = story.fresh_index()
    story.faces.changes_read = 0
    story.check(limit=5000)
    assert story.faces.changes_read == 100  # 40 additions and 60 removals


def test_the_graph_finds_what_a_scan_finds(story: Story) -> None:
    wait_for_graph(story)
    for limit in (1, 5, 20):
        for min_score in (-1.0, 0.5, 0.7):
            story.check(limit, min_score)


def test_codes_find_what_a_scan_finds(plain: Story) -> None:
    wait_until_ready(plain)
    for limit in (1, 5, 20, 300, 5000):
        for min_score in (-1.0, 0.3, 0.7):
            plain.check(limit, min_score)
    assert not graph_is_used(plain)


def test_every_search_of_a_snapshot_uses_its_codes(
    plain: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until_ready(plain)
    codes = vectors_of(plain)._parts.base.codes

    def candidates(*_: object) -> object:
        raise AssertionError("went through the codes")

    monkeypatch.setattr(codes, "candidates", candidates)
    for limit, must_be_exact in ((5, False), (5, True), (300, False)):
        with pytest.raises(AssertionError, match="codes"):
            plain.check(limit, must_be_exact=must_be_exact)


@pytest.mark.usefixtures("no_background_refresh")
def test_codes_count_as_memory_in_use(plain: Story) -> None:
    search_without_refresh(plain)
    before = vectors_of(plain).bytes
    plain.index._refresh(plain.group(), vectors_of(plain))
    assert vectors_of(plain).bytes - before == FACES * 128


@pytest.mark.usefixtures("no_background_refresh")
def test_only_rows_added_since_are_multiplied_completely(plain: Story) -> None:
    search_without_refresh(plain)
    assert vectors_of(plain).scanned == FACES + 40
    plain.index._refresh(plain.group(), vectors_of(plain))
    assert vectors_of(plain).scanned == 40


def test_a_snapshot_without_a_graph_is_one_blob_and_its_manifest(plain: Story) -> None:
    names = [info.key.rpartition("/")[2] for info in plain.blobs.list()]
    assert sorted(names) == ["manifest", "vectors"]


def test_does_not_use_a_graph_that_is_no_longer_wanted(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.graph_min_faces = PLENTY
    check_without_graph(story)
    assert not caplog.records


def test_works_without_a_graph_that_is_not_built_yet(
    plain: Story, caplog: pytest.LogCaptureFixture
) -> None:
    plain.graph_min_faces = LARGE
    check_without_graph(plain)
    assert not caplog.records


@pytest.mark.parametrize("which", ["story", "plain"])
def test_a_new_face_is_found_at_once_and_a_removed_one_never(
    which: str, request: pytest.FixtureRequest
) -> None:
    story: Story = request.getfixturevalue(which)
    wait_until_ready(story)
    for _ in range(5):
        story.add(3)
        newest = list(story.known)[-1]
        assert story.found(story.known[newest])[0] == newest
        removed = list(story.known)[:3]
        vectors = [story.known[face_id] for face_id in removed]
        story.remove(3)
        assert not {story.found(vector)[0] for vector in vectors} & set(removed)


def test_scans_all_faces_if_the_graph_may_have_cut_some_off(story: Story) -> None:
    wait_for_graph(story)
    twin = story.vector()
    story.add_vectors([twin] * 200)
    assert story.builder.build(story.group())
    story.index = story.fresh_index()
    wait_for_graph(story)
    for limit in (12, 17, 20):
        ids, _ = story.index.search(story.group(), twin, limit=limit, min_score=0.99)
        assert len(set(ids)) == limit
    story.remove_ids(ids)
    left, _ = story.index.search(story.group(), twin, limit=20, min_score=0.99)
    assert len(left) == 20
    assert not set(left) & set(ids)


def test_an_exact_search_does_not_use_the_graph(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_graph(story)

    def nearest(*_: object, **__: object) -> object:
        raise AssertionError("used the graph")

    monkeypatch.setattr(vectors_of(story)._parts.graph, "nearest", nearest)
    story.check(limit=5, must_be_exact=True)
    story.check(limit=21)
    with pytest.raises(AssertionError, match="graph"):
        story.check(limit=5)


def test_searches_a_group_that_shrank_far_below_its_snapshot(story: Story) -> None:
    wait_for_graph(story)
    story.remove(FACES // 2)
    story.check(limit=2000)
    assert not graph_is_used(story)
    assert not story.index.is_ready(story.group())
    story.add(30)
    story.remove(700)
    story.check(limit=2000)


def test_loads_a_newer_snapshot_in_the_background(story: Story) -> None:
    wait_for_graph(story)
    old = version_in_force(story)
    story.add(1200)
    assert story.builder.build(story.group())
    story.now += 60
    story.check()

    def newer() -> GroupVectors | None:
        vectors = vectors_of(story)
        return vectors if vectors.snapshot and vectors.snapshot.version != old else None

    vectors = wait_for(newer)
    assert vectors
    assert vectors.has_graph
    assert vectors.scanned < 1200
    story.check()


def test_looks_for_a_newer_snapshot_once_per_interval(tmp_path: Path) -> None:
    story = Story(tmp_path, min_faces=LARGE)
    story.add(FACES)
    for _ in range(20):
        story.check()
    assert vectors_of(story).next_refresh == 30.0


def test_a_small_group_has_no_snapshot(tmp_path: Path) -> None:
    story = Story(tmp_path, min_faces=LARGE)
    story.add(LARGE - 1)
    story.check()
    assert list(story.blobs.list()) == []


@pytest.mark.parametrize("part", ["vectors", "graph"])
@pytest.mark.parametrize("damage", ["missing", "changed", "truncated", "of another version"])
def test_a_damaged_snapshot_does_not_change_results(
    story: Story, part: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = part_key(story.group().generation, version_in_force(story), part)
    sealed = story.blobs.get(key).data
    if damage == "missing":
        story.blobs.delete(key)
    elif damage == "changed":
        story.blobs.put(key, sealed[:5000] + bytes([sealed[5000] ^ 1]) + sealed[5001:])
    elif damage == "truncated":
        story.blobs.put(key, sealed[:20])
    else:
        other = Story(Path(str(story.blobs._root) + "-2"), graph_min_faces=LARGE)
        other.add(LARGE)
        assert other.builder.build(other.group())
        foreign = part_key(other.group().generation, version_in_force(other), part)
        story.blobs.put(key, other.blobs.get(foreign).data)
    story.index = story.fresh_index()
    with caplog.at_level(logging.WARNING):
        story.check(limit=2000)
        if part == "graph":
            story.index._refresh(story.group(), vectors_of(story))
    assert "a snapshot is not used" in caplog.text
    assert not graph_is_used(story)
    story.check(limit=5)


@pytest.mark.parametrize(
    "manifest", [b"", b"{", b"[]", b'{"version": 1}', b"\xff", b"null", b" " * 70_000]
)
def test_a_broken_manifest_does_not_change_results_and_is_replaced(
    story: Story, manifest: bytes
) -> None:
    story.blobs.put(manifest_key("g"), manifest)
    story.index = story.fresh_index()
    story.check(limit=2000)
    assert story.builder.build(story.group())
    assert story.snapshots.manifest(story.group()) is not None


def test_a_manifest_that_claims_too_much_hides_no_face(story: Story) -> None:
    manifest = json.loads(story.blobs.get(manifest_key("g")).data)
    story.blobs.put(manifest_key("g"), json.dumps({**manifest, "last_change": 10**9}).encode())
    story.index = story.fresh_index()
    story.check(limit=5000)


def test_an_older_snapshot_put_back_hides_no_face(story: Story) -> None:
    before = story.blobs.get(manifest_key("g")).data
    story.add(500)
    assert story.builder.build(story.group())
    story.blobs.put(manifest_key("g"), before)
    story.index = story.fresh_index()
    story.check(limit=5000)


def test_a_snapshot_that_is_newer_than_a_restored_store_hides_no_face(story: Story) -> None:
    story.restore_backup()
    story.add(LARGE)  # fewer changes than the snapshot has seen
    story.check(limit=5000)
    assert story.builder.build(story.group())
    story.index = story.fresh_index()
    story.faces.changes_read = 0
    story.check(limit=5000)
    assert story.faces.changes_read == 0


def test_stores_nothing_unencrypted(story: Story) -> None:
    pieces = [vector[8:16].tobytes() for vector in list(story.known.values())[:200]]
    for info in story.blobs.list():
        content = story.blobs.get(info.key).data
        assert not any(piece in content for piece in pieces)
        if not info.key.endswith("manifest"):
            assert not any(face_id.encode() in content for face_id in list(story.known)[:50])


def test_one_of_two_concurrent_builders_publishes(story: Story) -> None:
    start = threading.Barrier(2)
    replace = story.blobs.replace

    def replace_together(key: str, data: bytes, *, expected: str | None) -> str:
        start.wait(timeout=120)
        return replace(key, data, expected=expected)

    story.blobs.replace = replace_together  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(story.builder.build, story.group()) for _ in range(2)]
        assert sorted(future.result() for future in futures) == [False, True]
    story.index = story.fresh_index()
    story.check(limit=5000)


class StoppedError(Exception):
    """The process died here."""


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_builder_that_dies_leaves_the_previous_snapshot_in_force(
    story: Story, writes: int
) -> None:
    old = version_in_force(story)
    story.add(200)
    put, replace, left = story.blobs.put, story.blobs.replace, [writes]

    def dying_put(key: str, data: bytes) -> str:
        if not left[0]:
            raise StoppedError
        left[0] -= 1
        return put(key, data)

    def dying_replace(key: str, data: bytes, *, expected: str | None) -> str:
        raise StoppedError

    story.blobs.put = dying_put  # type: ignore[method-assign]
    story.blobs.replace = dying_replace  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        story.builder.build(story.group())
    story.blobs.put, story.blobs.replace = put, replace  # type: ignore[method-assign]
    assert version_in_force(story) == old
    story.index = story.fresh_index()
    story.check(limit=5000)
    assert story.builder.build(story.group())
    assert version_in_force(story) != old


def test_searches_work_while_the_snapshots_are_unavailable(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.check()

    def away(key: str, *, max_bytes: int | None = None) -> object:
        raise StoreUnavailableError("away")

    story.blobs.get = away  # type: ignore[method-assign, assignment]
    story.index._refresh(story.group(), vectors_of(story))
    assert "an index could not be loaded" in caplog.text
    story.check()
    story.index = story.fresh_index()
    story.check(limit=5000)
    assert "a snapshot is unavailable at present" in caplog.text


def test_a_snapshot_has_the_vectors_of_the_rows(story: Story) -> None:
    snapshot = story.snapshots.load(story.group())
    assert snapshot is not None
    assert len(snapshot.face_ids) == FACES
    for face_id, vector in zip(snapshot.face_ids, snapshot.vectors, strict=True):
        if face_id in story.known:
            assert np.array_equal(vector, story.known[face_id])
