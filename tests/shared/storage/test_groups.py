"""The contract of the port `Groups`, for the fake and for both adapters."""

import pytest

from shared.core.errors import GroupExistsError, GroupNotFoundError
from tests.shared.storage.stores import Store, new_group


def test_finds_what_was_created(store: Store) -> None:
    group = store.create()
    assert store.groups.get("t", "g") == group


def test_an_unknown_group_is_not_found(store: Store) -> None:
    with pytest.raises(GroupNotFoundError):
        store.groups.get("t", "g")


def test_refuses_a_taken_name_and_leaves_the_first_group(store: Store) -> None:
    first = store.create()
    with pytest.raises(GroupExistsError):
        store.create()
    assert store.groups.get("t", "g") == first


def test_tenants_do_not_see_each_others_groups(store: Store) -> None:
    mine, theirs = store.create(tenant="t"), store.create(tenant="u")
    assert store.groups.get("t", "g") == mine
    assert store.groups.list_page("t", after=None, limit=10) == (mine,)
    store.groups.delete(mine)
    assert store.groups.get("u", "g") == theirs
    with pytest.raises(GroupNotFoundError):
        store.groups.get("t", "g")


def test_lists_in_the_order_of_names(store: Store) -> None:
    for name in ("b", "a-1", "0", "a", "a1", "z" * 255):
        store.create(name)
    listed = [group.group_id for group in store.groups.list_page("t", after=None, limit=10)]
    assert listed == ["0", "a", "a-1", "a1", "b", "z" * 255]


def test_pages_continue_after_the_name_of_a_deleted_group(store: Store) -> None:
    groups = [store.create(name) for name in "abcde"]
    assert store.groups.list_page("t", after=None, limit=2) == tuple(groups[:2])
    store.groups.delete(groups[1])
    assert store.groups.list_page("t", after="b", limit=2) == tuple(groups[2:4])
    assert store.groups.list_page("t", after="d", limit=2) == (groups[4],)
    assert store.groups.list_page("t", after="e", limit=2) == ()


def test_a_deleted_group_is_gone(store: Store) -> None:
    group = store.create()
    store.groups.delete(group)
    assert store.groups.list_page("t", after=None, limit=10) == ()
    for _ in range(2):
        with pytest.raises(GroupNotFoundError):
            store.groups.delete(group)


def test_an_old_generation_deletes_nothing(store: Store) -> None:
    old = store.create()
    store.groups.delete(old)
    new = store.create()
    with pytest.raises(GroupNotFoundError):
        store.groups.delete(old)
    assert store.groups.get("t", "g") == new


def test_an_unknown_group_cannot_be_deleted(store: Store) -> None:
    with pytest.raises(GroupNotFoundError):
        store.groups.delete(new_group())


def test_finds_a_group_by_its_generation(store: Store) -> None:
    group = store.create("one")
    store.create("two")
    store.add(group, 3)
    assert store.groups.get_generation(group.generation) == store.groups.get("t", "one")


def test_a_deleted_generation_is_not_found(store: Store) -> None:
    old = store.create("g")
    store.groups.delete(old)
    store.create("g")
    with pytest.raises(GroupNotFoundError):
        store.groups.get_generation(old.generation)
