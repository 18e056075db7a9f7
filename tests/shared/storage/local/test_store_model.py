"""SQLite compared with the fake, over any sequence of calls."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.core.errors import FaceError
from shared.core.recognition.models import Group
from tests.fakes import InMemoryFaces, InMemoryGroups
from tests.shared.storage.stores import Store, assert_exact, new_face, new_group, sqlite_store

NAMES = st.sampled_from(["a", "b", "c"])
TENANTS = st.sampled_from(["t", "u"])
COUNTS = st.integers(0, 9)


class TwoStores(RuleBasedStateMachine):
    """Makes each call to both stores, which must return the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        groups = InMemoryGroups()
        self.model = Store(groups, InMemoryFaces(groups))
        self.real = sqlite_store(Path(self.folder.name))
        self.groups: list[Group] = []
        self.face_ids = ["no-face"]

    def teardown(self) -> None:
        self.folder.cleanup()

    def both(self, call: Callable[[Store], object]) -> Any:
        model, real = outcome(call, self.model), outcome(call, self.real)
        assert real == model
        return model

    @rule(tenant=TENANTS, name=NAMES)
    def create(self, tenant: str, name: str) -> None:
        group = new_group(name, tenant)
        if self.both(lambda store: store.groups.create(group)) is None:
            self.groups.append(group)

    @precondition(lambda self: self.groups)
    @rule(data=st.data(), count=COUNTS, capacity=COUNTS)
    def add(self, data: st.DataObject, count: int, capacity: int) -> None:
        group = data.draw(st.sampled_from(self.groups))
        faces = [new_face() for _ in range(count)]
        self.face_ids += [face.face_id for face in faces]
        self.both(lambda store: store.faces.add(group, faces, capacity=capacity))

    @precondition(lambda self: self.groups)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        group = data.draw(st.sampled_from(self.groups))
        face_id = data.draw(st.sampled_from(self.face_ids))
        self.both(lambda store: store.faces.remove(group, face_id))

    @precondition(lambda self: self.groups)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        group = data.draw(st.sampled_from(self.groups))
        self.both(lambda store: store.groups.delete(group))

    @rule(limit=COUNTS)
    def purge(self, limit: int) -> None:
        self.both(lambda store: store.faces.purge(limit))

    @rule(tenant=TENANTS, after=st.none() | NAMES, limit=COUNTS)
    def list_groups(self, tenant: str, after: str | None, limit: int) -> None:
        self.both(lambda store: store.groups.list_page(tenant, after=after, limit=limit))

    @precondition(lambda self: self.living())
    @rule(data=st.data(), before=st.none() | COUNTS, limit=COUNTS)
    def list_faces(self, data: st.DataObject, before: int | None, limit: int) -> None:
        group = data.draw(st.sampled_from(self.living()))
        self.both(lambda store: store.faces.list_page(group, before=before, limit=limit))

    @precondition(lambda self: self.living())
    @rule(data=st.data(), after=COUNTS)
    def read_changes(self, data: st.DataObject, after: int) -> None:
        group = data.draw(st.sampled_from(self.living()))
        self.both(lambda store: store.changes(group, after))

    @invariant()
    def accounts_are_exact(self) -> None:
        for group in self.living()[-1:]:
            assert_exact(self.real, group)

    def living(self) -> list[Group]:
        """Return the existing groups, as they were created."""
        there = {
            group.generation
            for tenant in ("t", "u")
            for group in self.model.groups.list_page(tenant, after=None, limit=9)
        }
        return [group for group in self.groups if group.generation in there]


def outcome(call: Callable[[Store], object], store: Store) -> object:
    """Return what a call returns, or the class of the error that it raises."""
    try:
        return call(store)
    except FaceError as error:
        return type(error)


TwoStores.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
test_sqlite_answers_as_the_fake_does = TwoStores.TestCase
