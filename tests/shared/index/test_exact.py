"""The exact index against a plain scan."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.core.models import Box, Group, StoredFace
from shared.index.exact import ExactIndex
from shared.storage.cipher import AesGcmSealer
from shared.storage.local.master_key import FileKeyWrapper
from tests.fakes import InMemoryFaces, InMemoryGroups

PLENTY = 1 << 30


class Story:
    """A group in a store, an index over it, and what the group ought to hold."""

    def __init__(self, folder: Path, max_bytes: int = PLENTY) -> None:
        self.groups = InMemoryGroups()
        self.faces = InMemoryFaces(self.groups)
        self.sealer = AesGcmSealer(FileKeyWrapper(folder))
        self.index = ExactIndex(self.faces, self.sealer, max_bytes=max_bytes)
        self.random = np.random.default_rng(7)
        self.known: dict[str, NDArray[np.float32]] = {}
        self.create("g")

    def create(self, name: str) -> None:
        key = self.sealer.new_group_key(name)
        self.groups.create(Group("t", name, name, "m", datetime.now(UTC), key))

    def group(self, name: str = "g") -> Group:
        return self.groups.find("t", name)

    def vector(self) -> NDArray[np.float32]:
        vector = self.random.normal(size=128).astype(np.float32)
        return vector / np.linalg.norm(vector)

    def add(self, count: int, name: str = "g") -> None:
        group = self.group(name)
        new = []
        for _ in range(count):
            face_id, vector = str(uuid.uuid4()), self.vector()
            self.known[face_id] = vector
            sealed = self.sealer.seal(group, face_id, vector)
            new.append(StoredFace(face_id, "i", None, Box(0, 0, 1, 1), 1.0, sealed))
        assert self.faces.add(group, new, capacity=100_000) == count

    def remove(self, count: int) -> None:
        for face_id in list(self.known)[:count]:
            self.faces.remove(self.group(), face_id)
            del self.known[face_id]

    def expected(self, query: NDArray[np.float32], limit: int, min_score: float) -> list[str]:
        scores = {face_id: float(vector @ query) for face_id, vector in self.known.items()}
        found = [face_id for face_id in scores if scores[face_id] >= min_score]
        return sorted(found, key=lambda face_id: -scores[face_id])[:limit]

    def check(self, limit: int = 10, min_score: float = -1.0) -> None:
        query = self.vector()
        ids, scores = self.index.search(self.group(), query, limit=limit, min_score=min_score)
        assert ids == self.expected(query, limit, min_score)
        assert list(scores) == sorted(scores, reverse=True)
        assert scores.dtype == np.float32


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_an_empty_group_has_no_match(story: Story) -> None:
    story.check()


@pytest.mark.parametrize("limit", [1, 5, 300, 4096])
@pytest.mark.parametrize("min_score", [-1.0, 0.0, 0.15, 1.0])
def test_finds_what_a_plain_scan_finds(story: Story, limit: int, min_score: float) -> None:
    story.add(300)
    story.check(limit, min_score)


def test_follows_what_is_added_and_removed(story: Story) -> None:
    for step in range(12):
        story.add(17 * (step % 5))
        story.check(limit=2000)
        story.remove(23 * (step % 3))
        story.check(limit=2000)
    assert story.known


def test_a_group_emptied_and_filled_again_is_right(story: Story) -> None:
    story.add(200)
    story.check()
    story.remove(200)
    story.check()
    story.add(100)
    story.check(limit=200)


def test_a_face_added_and_removed_between_two_searches_is_not_found(story: Story) -> None:
    story.add(10)
    story.check()
    story.add(5)
    story.remove(15)
    story.check()


def test_reads_a_change_once(story: Story) -> None:
    story.add(100)
    story.check()
    story.faces.changes_read = 0
    story.add(1)
    story.check()
    story.check()
    assert story.faces.changes_read == 1


def test_groups_do_not_mix(story: Story) -> None:
    story.add(10)
    story.create("h")
    story.check()
    ids, _ = story.index.search(story.group("h"), story.vector(), limit=9, min_score=-1)
    assert ids == []


def test_forgets_the_group_searched_longest_ago_and_reads_it_again(tmp_path: Path) -> None:
    story = Story(tmp_path, max_bytes=1)
    story.add(50)
    story.check()
    story.create("h")
    story.index.search(story.group("h"), story.vector(), limit=1, min_score=-1)
    story.faces.changes_read = 0
    story.check()
    assert story.faces.changes_read == 50


def test_searches_while_the_group_changes_miss_nothing_old(story: Story) -> None:
    story.add(500)
    old = list(story.known)[100:]
    queries = [(face_id, story.known[face_id]) for face_id in old[::8]]

    def find(query: tuple[str, NDArray[np.float32]]) -> bool:
        face_id, vector = query
        ids, _ = story.index.search(story.group(), vector, limit=1, min_score=0.99)
        return ids == [face_id]

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(find, queries * 4)
        for _ in range(20):
            story.add(40)
            story.remove(5)
        assert all(found)
    story.check(limit=5000)
