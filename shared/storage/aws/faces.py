"""The faces of groups in DynamoDB."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Literal

from pynamodb.expressions.operand import Path
from typing_extensions import override

from shared.core.errors import FaceNotFoundError, GroupNotFoundError
from shared.core.photos.models import Box
from shared.core.recognition.models import FaceChange, Group, StoredFace
from shared.core.recognition.ports import Faces
from shared.storage.aws import dynamodb
from shared.storage.aws.dynamodb import ConditionError, ConflictError, DynamoDb, Item, Write
from shared.storage.aws.groups import PURGE, DynamoGroups

_CHANGES_PAGE = 1_000  # items of a query; DynamoDB ends a page at a megabyte
_PURGE_BATCH = 25  # items of a BatchWriteItem
_MAX_ID_LENGTH = 1024  # bytes of a sort key
_KEYS = ("generation", "face_id")
_PROJECTED = {"added": ("face_id", "added", "sealed_vector"), "removed": ("face_id", "removed")}
_OF_A_FACE = ("added", "image_id", "external_image_id", "box", "confidence", "sealed_vector")


class DynamoFaces(Faces):
    """Implements `Faces`; reads are strongly consistent.

    An item is a face, a tombstone (`removed` alone), or the note of a deleted group (only keys).

    A change is one transaction on the items of faces and of the group, on the condition that the
    group's last change is still the one that was read: whoever comes second reads again. So numbers
    follow each other without gaps, and counts are exact.
    """

    def __init__(self, client: DynamoDb, groups_table: str, faces_table: str) -> None:
        self._client = client
        self._groups_table = groups_table
        self._table = faces_table
        self._groups = DynamoGroups(client, groups_table, faces_table)

    @override
    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        """Store the first faces, as many as fit into `capacity`, all or none; return how many.

        At most 99 at once: a transaction has 100 items, and one is the group.
        """
        return self._client.retry.call(
            lambda: self._try_to_add(group, faces, capacity), on=ConflictError
        )

    @override
    def remove(self, group: Group, face_id: str) -> None:
        self._client.retry.call(lambda: self._try_to_remove(group, face_id), on=ConflictError)

    @override
    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        keys = [_key(group.generation, face_id) for face_id in set(face_ids) if _is_key(face_id)]
        items = self._client.get_many(self._table, keys)
        return {item["face_id"]: _face(item) for item in items if "sealed_vector" in item}

    @override
    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        items = self._client.query(
            self._table,
            Path("generation") == group.generation,
            Path("external_image_id") == external_image_id,
            index="by_label",
            attributes=_KEYS,
        )
        return tuple(item["face_id"] for item in items)

    @override
    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        conditions = [Path("generation") == group.generation]
        if before is not None:
            conditions.append(Path("added") < before)
        items = self._client.query(
            self._table, *conditions, index="by_added", newest_first=True, limit=limit
        )
        return tuple(map(_face, items))

    @override
    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        """Yield the changes numbered more than `after`, in order.

        Faces and tombstones are two queries. Neither goes further than the last change that the
        group had at the start, so what one saw later than the other cannot leave a hole.
        """
        try:
            last = self._current(group).last_change
        except GroupNotFoundError:
            return
        added = self._numbered(group.generation, "added", after, last)
        removed = self._numbered(group.generation, "removed", after, last)
        yield from heapq.merge(added, removed, key=lambda change: change.number)

    @override
    def purge(self, limit: int) -> int:
        deleted = 0
        while deleted < limit and (
            notes := self._client.query(self._table, Path("generation") == PURGE, limit=1)
        ):
            wanted = min(limit - deleted, _PURGE_BATCH)
            keys = self._client.query(
                self._table,
                Path("generation") == notes[0]["face_id"],
                limit=wanted,
                attributes=_KEYS,
            )
            self._client.delete_many(self._table, keys)
            if len(keys) < wanted:  # the note goes last, or what is left would be forgotten
                self._client.delete_many(self._table, notes)
            deleted += len(keys)
        return deleted

    def _try_to_add(self, group: Group, faces: Sequence[StoredFace], capacity: int) -> int:
        current = self._current(group)
        fitting = faces[: max(0, capacity - current.face_count)]
        if not fitting:
            return 0
        puts = [
            dynamodb.put(
                self._table,
                _item(group, face, change),
                conditions=[Path("face_id").does_not_exist()],
            )
            for change, face in enumerate(fitting, start=current.last_change + 1)
        ]
        counts = self._update_counts(current, faces=len(puts), changes=len(puts))
        try:
            self._client.transact([*puts, counts])
        except ConditionError as error:
            if error.failed != {len(puts)}:  # not the group: a face id that was used before
                raise
            raise ConflictError from error
        return len(puts)

    def _try_to_remove(self, group: Group, face_id: str) -> None:
        current = self._current(group)
        if not _is_key(face_id):
            raise FaceNotFoundError(face_id)
        entomb = dynamodb.update(
            self._table,
            _key(group.generation, face_id),
            [
                Path("removed").set(current.last_change + 1),
                *(Path(name).remove() for name in _OF_A_FACE),
            ],
            conditions=[Path("sealed_vector").exists()],
        )
        try:
            self._client.transact([entomb, self._update_counts(current, faces=-1, changes=1)])
        except ConditionError as error:
            if 0 in error.failed:
                raise FaceNotFoundError(face_id) from None
            raise ConflictError from error

    def _current(self, group: Group) -> Group:
        """Return this generation of a group as it is now.

        Raises:
            GroupNotFoundError: it is not there any more.
        """
        current = self._groups.get(group.tenant, group.group_id)
        if current.generation != group.generation:
            raise GroupNotFoundError(group.group_id)
        return current

    def _update_counts(self, current: Group, *, faces: int, changes: int) -> Write:
        return dynamodb.update(
            self._groups_table,
            {"tenant": current.tenant, "group_id": current.group_id},
            [
                Path("face_count").set(current.face_count + faces),
                Path("last_change").set(current.last_change + changes),
            ],
            conditions=[
                Path("generation") == current.generation,
                Path("last_change") == current.last_change,
            ],
        )

    def _numbered(
        self, generation: str, number: Literal["added", "removed"], after: int, last: int
    ) -> Iterator[FaceChange]:
        while after < last:
            items = self._client.query(
                self._table,
                Path("generation") == generation,
                Path(number).between(after + 1, last),
                index=f"by_{number}",
                limit=_CHANGES_PAGE,
                attributes=_PROJECTED[number],
            )
            for item in items:
                after = item[number]
                yield FaceChange(after, item["face_id"], item.get("sealed_vector"))
            if len(items) < _CHANGES_PAGE:
                break


def _is_key(face_id: str) -> bool:
    return 0 < len(face_id.encode()) <= _MAX_ID_LENGTH


def _key(generation: str, face_id: str) -> Item:
    return {"generation": generation, "face_id": face_id}


def _item(group: Group, face: StoredFace, change: int) -> Item:
    box = face.box
    item = {
        **_key(group.generation, face.face_id),
        "added": change,
        "image_id": face.image_id,
        "box": [box.x1, box.y1, box.x2, box.y2],
        "confidence": face.confidence,
        "sealed_vector": face.sealed_vector,
    }
    if face.external_image_id is not None:
        item["external_image_id"] = face.external_image_id
    return item


def _face(item: Item) -> StoredFace:
    return StoredFace(
        face_id=item["face_id"],
        image_id=item["image_id"],
        external_image_id=item.get("external_image_id"),
        box=Box(*item["box"]),
        confidence=item["confidence"],
        sealed_vector=item["sealed_vector"],
        change=item["added"],
    )
