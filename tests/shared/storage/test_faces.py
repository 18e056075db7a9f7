"""The contract of the port `Faces`, for the fake and for both adapters."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.core.errors import FaceNotFoundError, GroupNotFoundError
from tests.shared.storage.stores import PLENTY, Store, assert_exact, new_face, new_group


def test_an_added_face_is_found_and_listed_and_is_a_change(store: Store) -> None:
    group = store.create()
    plain, labelled = new_face(), new_face("a.b:c_d-" + "x" * 247)
    assert store.faces.add(group, [plain, labelled], capacity=PLENTY) == 2
    stored = [replace(plain, change=1), replace(labelled, change=2)]
    ids = [face.face_id for face in stored]
    assert store.faces.get_many(group, ids) == dict(zip(ids, stored, strict=True))
    assert store.listed(group) == stored[::-1]
    assert [(c.number, c.face_id, c.sealed_vector) for c in store.changes(group)] == [
        (face.change, face.face_id, face.sealed_vector) for face in stored
    ]


def test_a_group_counts_its_faces_and_changes(store: Store) -> None:
    group = store.create()
    first, *_ = store.add(group, 3)
    store.faces.remove(group, first.face_id)
    now = store.groups.get("t", "g")
    assert (now.face_count, now.last_change) == (2, 4)
    assert now == replace(group, face_count=2, last_change=4)
    assert_exact(store, group)


def test_adding_nothing_changes_nothing(store: Store) -> None:
    group = store.create()
    assert store.faces.add(group, [], capacity=PLENTY) == 0
    assert store.groups.get("t", "g") == group


def test_takes_as_many_as_fit_and_those_first(store: Store) -> None:
    group = store.create()
    store.add(group, 3, capacity=5)
    new = [new_face() for _ in range(4)]
    assert store.faces.add(group, new, capacity=5) == 2
    assert [f.face_id for f in store.listed(group)][:2] == [new[1].face_id, new[0].face_id]
    assert_exact(store, group)


def test_a_full_group_takes_none_until_a_face_is_removed(store: Store) -> None:
    group = store.create()
    first, _ = store.add(group, 2, capacity=2)
    full = store.groups.get("t", "g")
    assert store.add(group, 2, capacity=2) == []
    assert store.add(group, 1, capacity=1) == []  # the capacity may have been lowered
    assert store.groups.get("t", "g") == full
    store.faces.remove(group, first.face_id)
    assert len(store.add(group, 2, capacity=2)) == 1
    assert_exact(store, group)


def test_a_removed_face_is_neither_found_nor_listed(store: Store) -> None:
    group = store.create()
    faces = store.add(group, 3)
    gone = faces[1].face_id
    store.faces.remove(group, gone)
    assert store.faces.get_many(group, [gone]) == {}
    assert gone not in [face.face_id for face in store.listed(group)]
    assert_exact(store, group)


def test_a_face_is_removed_only_once(store: Store) -> None:
    group = store.create()
    (face,) = store.add(group, 1)
    store.faces.remove(group, face.face_id)
    before = store.groups.get("t", "g")
    with pytest.raises(FaceNotFoundError):
        store.faces.remove(group, face.face_id)
    assert store.groups.get("t", "g") == before


@pytest.mark.parametrize("face_id", ["5f1c", "", "얼굴", "x" * 3000, "a'b\"c%\x00"])
def test_an_unknown_id_is_not_found(store: Store, face_id: str) -> None:
    group = store.create()
    (face,) = store.add(group, 1)
    assert set(store.faces.get_many(group, [face_id, face.face_id])) == {face.face_id}
    with pytest.raises(FaceNotFoundError):
        store.faces.remove(group, face_id)


def test_a_face_belongs_only_to_its_group(store: Store) -> None:
    mine, other = store.create("mine"), store.create("other")
    (face,) = store.add(mine, 1)
    assert store.faces.get_many(other, [face.face_id]) == {}
    with pytest.raises(FaceNotFoundError):
        store.faces.remove(other, face.face_id)
    assert_exact(store, mine)
    assert_exact(store, other)


def test_finds_more_faces_than_one_request_takes(store: Store) -> None:
    group = store.create()
    ids = [face.face_id for _ in range(6) for face in store.add(group, 20)]
    assert set(store.faces.get_many(group, ids + ids[:3])) == set(ids)
    assert store.faces.get_many(group, []) == {}


def test_lists_newest_first_below_a_change(store: Store) -> None:
    group = store.create()
    faces = store.add(group, 5)
    page = store.faces.list_page(group, before=None, limit=2)
    assert [face.change for face in page] == [5, 4]
    page = store.faces.list_page(group, before=4, limit=9)
    assert [face.change for face in page] == [3, 2, 1]
    assert [face.face_id for face in page] == [face.face_id for face in faces[2::-1]]
    assert store.faces.list_page(group, before=1, limit=9) == ()


def test_pages_are_full_where_faces_were_removed(store: Store) -> None:
    group = store.create()
    faces = store.add(group, 10)
    for face in faces[3:9]:
        store.faces.remove(group, face.face_id)
    page = store.faces.list_page(group, before=None, limit=3)
    assert [face.face_id for face in page] == [faces[i].face_id for i in (9, 2, 1)]


def test_a_listing_repeats_nothing_and_skips_nothing_old_while_faces_come_and_go(
    store: Store,
) -> None:
    group = store.create()
    faces = store.add(group, 9)
    seen = list(store.faces.list_page(group, before=None, limit=3))
    store.add(group, 4)
    for face in (faces[7], faces[2]):  # one that was listed, one that was not
        store.faces.remove(group, face.face_id)
    while page := store.faces.list_page(group, before=seen[-1].change, limit=3):
        seen += page
    assert [face.face_id for face in seen] == [faces[i].face_id for i in (8, 7, 6, 5, 4, 3, 1, 0)]


def test_changes_continue_after_a_number_and_include_removals(store: Store) -> None:
    group = store.create()
    faces = store.add(group, 4)
    store.faces.remove(group, faces[1].face_id)
    store.add(group, 1)
    store.faces.remove(group, faces[3].face_id)
    numbered = [(change.number, change.sealed_vector is None) for change in store.changes(group)]
    assert numbered == [(1, False), (3, False), (5, True), (6, False), (7, True)]
    removed = store.changes(group)[2]
    assert removed.face_id == faces[1].face_id
    assert [change.number for change in store.changes(group, after=5)] == [6, 7]
    assert store.changes(group, after=7) == []


def test_changes_made_while_they_are_read_are_not_lost(store: Store) -> None:
    group = store.create()
    faces = store.add(group, 3)
    reading = store.faces.changes(group, after=0)
    seen = [next(reading)]
    store.faces.remove(group, faces[0].face_id)
    store.faces.remove(group, faces[2].face_id)
    store.add(group, 1)
    seen += reading
    seen += store.faces.changes(group, after=seen[-1].number)
    numbers = [change.number for change in seen]
    assert numbers == sorted(set(numbers))
    state = {change.face_id: change.sealed_vector for change in seen}
    living = {face_id for face_id, sealed_vector in state.items() if sealed_vector}
    assert living == {face.face_id for face in store.listed(group)}


def test_a_new_group_under_an_old_name_has_no_old_faces(store: Store) -> None:
    old = store.create()
    ids = [face.face_id for face in store.add(old, 3)]
    store.groups.delete(old)
    new = store.create()
    assert store.listed(new) == []
    assert store.changes(new) == []
    assert store.faces.get_many(new, ids) == {}
    store.add(new, 1)
    assert_exact(store, new)


def test_a_deleted_group_takes_and_gives_no_face(store: Store) -> None:
    old = store.create()
    (face,) = store.add(old, 1)
    store.groups.delete(old)
    new = store.create()
    for group in (old, new_group("never-made")):
        with pytest.raises(GroupNotFoundError):
            store.faces.add(group, [new_face()], capacity=PLENTY)
        with pytest.raises(GroupNotFoundError):
            store.faces.remove(group, face.face_id)
    assert_exact(store, new)


def test_purges_in_steps_what_deleted_groups_left_and_nothing_else(store: Store) -> None:
    kept, first, second, empty = (store.create(name) for name in ("kept", "one", "two", "empty"))
    store.add(kept, 3)
    for group in (first, second):
        faces = store.add(group, 6)
        store.faces.remove(group, faces[0].face_id)  # its tombstone goes, too
    for group in (empty, first, second):
        store.groups.delete(group)
    steps = []
    while count := store.faces.purge(5):
        steps.append(count)
    assert sum(steps) == 12
    assert max(steps) <= 5
    assert store.faces.purge(5) == 0
    assert store.listed(first) == store.listed(second) == []
    assert_exact(store, kept)


def test_purges_nothing_where_no_group_was_deleted(store: Store) -> None:
    store.add(store.create(), 2)
    assert store.faces.purge(100) == 0


def test_concurrent_threads_keep_the_counts_exact(store: Store) -> None:
    group = store.create()

    def churn(_: int) -> None:
        for face in store.add(group, 2, capacity=5)[:1]:
            store.faces.remove(group, face.face_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(churn, range(8)))
    assert store.groups.get("t", "g").face_count <= 5
    assert_exact(store, group)


def test_finds_only_the_faces_of_a_label(store: Store) -> None:
    mine, other = store.create("mine"), store.create("other")
    kim, kim_too, lee = new_face("kim"), new_face("kim"), new_face("kim2")
    store.faces.add(mine, [kim, new_face(), lee, kim_too], capacity=PLENTY)
    store.faces.add(other, [new_face("kim")], capacity=PLENTY)
    assert set(store.faces.find_labelled(mine, "kim")) == {kim.face_id, kim_too.face_id}
    store.faces.remove(mine, kim.face_id)
    assert store.faces.find_labelled(mine, "kim") == (kim_too.face_id,)
    for label in ("ki", "KIM", "%", "k" * 255, "얼굴"):
        assert store.faces.find_labelled(mine, label) == ()
