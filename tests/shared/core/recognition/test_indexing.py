"""When a change of faces makes a new snapshot."""

from dataclasses import replace
from datetime import UTC, datetime

from shared.core.recognition import indexing
from shared.core.recognition.models import Group, Manifest
from tests.fakes import InMemoryGroups

LARGE = 1000


class RecordingBuilder:
    """Implements `IndexBuilder`: a snapshot covers the group as it was given."""

    def __init__(self) -> None:
        self.built: list[int] = []

    def in_force(self, group: Group) -> Manifest | None:
        if not self.built:
            return None
        return Manifest(version="v", last_change=self.built[-1], faces=group.face_count)

    def build(self, group: Group) -> bool:
        self.built.append(group.last_change)
        return True


def group_of(groups: InMemoryGroups, faces: int, changes: int) -> None:
    group = Group("t", "g", "generation", "m", datetime.now(UTC), b"key")
    if not groups.list_page("t", after=None, limit=1):
        groups.create(group)
    groups.update_counts(replace(group, face_count=0, last_change=0), faces=faces, changes=changes)


def update(groups: InMemoryGroups, builder: RecordingBuilder, generation: str) -> bool:
    return indexing.update(groups, builder, generation=generation, min_faces=LARGE)


def test_a_small_group_gets_no_snapshot() -> None:
    groups, builder = InMemoryGroups(), RecordingBuilder()
    group_of(groups, faces=LARGE - 1, changes=50_000)
    assert not update(groups, builder, "generation")
    assert builder.built == []


def test_a_large_group_gets_one_snapshot() -> None:
    groups, builder = InMemoryGroups(), RecordingBuilder()
    group_of(groups, faces=LARGE, changes=LARGE)
    assert update(groups, builder, "generation")
    assert not update(groups, builder, "generation")
    assert builder.built == [LARGE]


def test_many_changes_later_it_gets_a_new_snapshot() -> None:
    groups, builder = InMemoryGroups(), RecordingBuilder()
    for changes, expected in [(1000, True), (1999, False), (2000, True), (2001, False)]:
        group_of(groups, faces=LARGE, changes=changes)
        assert update(groups, builder, "generation") is expected


def test_a_group_restored_from_a_backup_gets_a_new_snapshot_immediately() -> None:
    groups, builder = InMemoryGroups(), RecordingBuilder()
    group_of(groups, faces=LARGE, changes=9_000)
    assert update(groups, builder, "generation")
    restored = InMemoryGroups()
    group_of(restored, faces=LARGE, changes=8_999)
    assert update(restored, builder, "generation")
    assert not update(restored, builder, "generation")


def test_a_deleted_group_is_not_an_error() -> None:
    assert not update(InMemoryGroups(), RecordingBuilder(), "generation")
