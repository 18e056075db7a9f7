"""The index of groups without a snapshot, compared with a plain scan."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.shared.index.story import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_an_empty_group_has_no_match(story: Story) -> None:
    story.check()


@pytest.mark.parametrize("limit", [1, 5, 300, 4096])
@pytest.mark.parametrize("min_score", [-1.0, 0.8, 0.95, 1.0])
def test_finds_what_a_plain_scan_finds(story: Story, limit: int, min_score: float) -> None:
    story.add(300)
    story.check(limit, min_score)


def test_follows_additions_and_removals(story: Story) -> None:
    for step in range(12):
        story.add(17 * (step % 5))
        story.check(limit=2000)
        story.remove(23 * (step % 3))
        story.check(limit=2000)
    assert story.known


def test_searches_a_group_emptied_and_filled_again(story: Story) -> None:
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


def test_evicts_the_least_recently_searched_group_and_reads_it_again(tmp_path: Path) -> None:
    story = Story(tmp_path, max_bytes=1)
    story.add(50)
    story.check()
    story.create("h")
    story.index.search(story.group("h"), story.vector(), limit=1, min_score=-1)
    story.faces.changes_read = 0
    story.check()
    assert story.faces.changes_read == 50


def test_a_search_during_changes_misses_no_older_face(story: Story) -> None:
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
