"""Groups and faces to store, and the counts that every store must keep exact."""

import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.core.photos.models import Box
from shared.core.recognition.models import FaceChange, Group, StoredFace
from shared.core.recognition.ports import Faces, Groups
from shared.storage.local.database import Database
from shared.storage.local.faces import SqliteFaces
from shared.storage.local.groups import SqliteGroups

PLENTY = 100_000


@dataclass(frozen=True)
class Store:
    groups: Groups
    faces: Faces

    def create(self, group_id: str = "g", tenant: str = "t") -> Group:
        group = new_group(group_id, tenant)
        self.groups.create(group)
        return group

    def add(self, group: Group, count: int, capacity: int = PLENTY) -> list[StoredFace]:
        """Add new faces; return those that were taken."""
        new = [new_face() for _ in range(count)]
        return new[: self.faces.add(group, new, capacity=capacity)]

    def listed(self, group: Group, page: int = 7) -> list[StoredFace]:
        """Return all faces, newest first, as a caller pages through them."""
        found: list[StoredFace] = []
        while faces := self.faces.list_page(
            group, before=found[-1].change if found else None, limit=page
        ):
            found += faces
        return found

    def changes(self, group: Group, after: int = 0) -> list[FaceChange]:
        return list(self.faces.changes(group, after=after))


def sqlite_store(folder: Path) -> Store:
    database = Database(folder)
    return Store(SqliteGroups(database), SqliteFaces(database))


def new_group(group_id: str = "g", tenant: str = "t") -> Group:
    return Group(
        tenant=tenant,
        group_id=group_id,
        generation=uuid.uuid4().hex,
        model_version="model-1",
        created_at=datetime.now(UTC),
        wrapped_key=os.urandom(61),
    )


def new_face(external_image_id: str | None = None) -> StoredFace:
    return StoredFace(
        face_id=str(uuid.uuid4()),
        image_id=str(uuid.uuid4()),
        external_image_id=external_image_id,
        box=Box(0.1, 1 / 3, 0.7, 0.9),
        confidence=0.987654321,
        sealed_vector=os.urandom(541),
    )


def assert_exact(store: Store, group: Group) -> None:
    """Compare the group's counts with its rows.

    An added face is one change and one face. A removed face is two changes (its addition and its
    removal) and not a face. Only the newest change of each face is left.
    """
    group = store.groups.get(group.tenant, group.group_id)
    faces, changes = store.listed(group), store.changes(group)
    tombstones = [change for change in changes if change.sealed_vector is None]
    assert len(faces) == group.face_count
    assert group.last_change == len(faces) + 2 * len(tombstones)
    numbers = [change.number for change in changes]
    assert numbers == sorted(set(numbers))
    assert numbers[-1:] == ([group.last_change] if group.last_change else [])
    live = [(c.number, c.face_id, c.sealed_vector) for c in changes if c.sealed_vector is not None]
    assert live[::-1] == [(face.change, face.face_id, face.sealed_vector) for face in faces]
    found = store.faces.get_many(group, [change.face_id for change in changes])
    assert found == {face.face_id: face for face in faces}
