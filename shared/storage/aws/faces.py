"""The faces of groups in DynamoDB."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Literal

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from shared.core.errors import FaceNotFoundError, GroupNotFoundError
from shared.core.photos.models import Box
from shared.core.recognition.models import FaceChange, Group, StoredFace
from shared.storage.aws.retry import TryAgainError
from shared.storage.aws.tables import PURGE, ConditionError, FaceRow, GroupRow, Tables

_CHANGES_AT_ONCE = 1_000  # rows of a query; DynamoDB ends a page at a megabyte
_IDS_AT_ONCE = 100  # items of a BatchGetItem
_PURGED_AT_ONCE = 25  # items of a BatchWriteItem
_MAX_ID_LENGTH = 1024  # bytes of a sort key
_KEYS = ["generation", "face_id"]
_PROJECTED = {"added": ["face_id", "added", "sealed_vector"], "removed": ["face_id", "removed"]}


class DynamoFaces:
    """Implements `Faces`; reads are strongly consistent.

    A change is one transaction on the face rows and the group's row, on the condition that the
    group's last change is still the one that was read: whoever comes second reads again. So numbers
    follow each other without gaps, and counts are exact.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        """Store the first faces, as many as fit into `capacity`, all or none; return how many.

        At most 99 at once: a transaction has 100 items, and one is the group.

        Raises:
            GroupNotFoundError: this generation of the group is not there any more.
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        return self._tables.retry.call(lambda: self._try_to_add(group, faces, capacity))

    def remove(self, group: Group, face_id: str) -> None:
        """Turn a face into a tombstone, which is a change of its own.

        Raises:
            FaceNotFoundError: the group has no such face.
            GroupNotFoundError: this generation of the group is not there any more.
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        self._tables.retry.call(lambda: self._try_to_remove(group, face_id))

    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        """Return those of the faces that the group has now, by id."""
        keys = [(group.generation, face_id) for face_id in set(face_ids) if _is_key(face_id)]
        found = {}
        for start in range(0, len(keys), _IDS_AT_ONCE):
            for row in self._get(keys[start : start + _IDS_AT_ONCE]):
                if row.sealed_vector is not None:
                    found[row.face_id] = _face(row)
        return found

    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        """Return the ids of the faces that the group has now under a label of the caller's."""
        rows = self._query(
            group.generation,
            self._tables.face_row.external_image_id == external_image_id,
            index="by_label",
            attributes=_KEYS,
        )
        return tuple(row.face_id for row in rows)

    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        """Return up to `limit` faces whose change is less than `before`, newest first."""
        added = self._tables.face_row.added
        rows = self._query(
            group.generation,
            None if before is None else added < before,
            index="by_added",
            newest_first=True,
            limit=limit,
        )
        return tuple(_face(row) for row in rows)

    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        """Yield the changes numbered more than `after`, in order.

        Faces and tombstones are two queries. Neither goes further than the last change that the
        group had at the start, so what one saw later than the other cannot leave a hole.
        """
        try:
            last = int(self._tables.get_generation(group).last_change)
        except GroupNotFoundError:
            return
        added = self._numbered(group.generation, "added", after, last)
        removed = self._numbered(group.generation, "removed", after, last)
        yield from heapq.merge(added, removed, key=lambda change: change.number)

    def purge(self, limit: int) -> int:
        """Delete up to `limit` rows that deleted groups left; return how many: 0 when none is left.

        It can be interrupted anywhere, run by two processes at once, and run again.

        Raises:
            StoreUnavailableError: DynamoDB did not take it, also after it was asked again.

        """
        deleted = 0
        while deleted < limit and (notes := self._query(PURGE, limit=1)):
            wanted = min(limit - deleted, _PURGED_AT_ONCE)
            rows = self._query(notes[0].face_id, limit=wanted, attributes=_KEYS)
            self._delete(rows)
            if len(rows) < wanted:  # the note goes last, or what is left would be forgotten
                self._delete(notes)
            deleted += len(rows)
        return deleted

    def _try_to_add(self, group: Group, faces: Sequence[StoredFace], capacity: int) -> int:
        current = self._tables.get_generation(group)
        fitting = faces[: max(0, capacity - int(current.face_count))]
        if not fitting:
            return 0
        rows = [
            self._new_row(group, face, change)
            for change, face in enumerate(fitting, start=int(current.last_change) + 1)
        ]

        def write(transaction: TransactWrite) -> None:
            for row in rows:
                transaction.save(row, condition=self._tables.face_row.face_id.does_not_exist())
            self._update_counts(transaction, current, faces=len(rows), changes=len(rows))

        try:
            self._tables.commit(write)
        except ConditionError as error:
            if error.failed != {len(rows)}:  # not the group: a face id that was used before
                raise
            raise TryAgainError from error
        return len(rows)

    def _try_to_remove(self, group: Group, face_id: str) -> None:
        current = self._tables.get_generation(group)
        if not _is_key(face_id):
            raise FaceNotFoundError(face_id)
        row = self._tables.face_row

        def write(transaction: TransactWrite) -> None:
            transaction.update(
                row(group.generation, face_id),
                actions=[
                    row.removed.set(int(current.last_change) + 1),
                    row.added.remove(),
                    row.image_id.remove(),
                    row.external_image_id.remove(),
                    row.box.remove(),
                    row.confidence.remove(),
                    row.sealed_vector.remove(),
                ],
                condition=row.sealed_vector.exists(),
            )
            self._update_counts(transaction, current, faces=-1, changes=1)

        try:
            self._tables.commit(write)
        except ConditionError as error:
            if 0 in error.failed:
                raise FaceNotFoundError(face_id) from None
            raise TryAgainError from error

    def _update_counts(
        self, transaction: TransactWrite, current: GroupRow, *, faces: int, changes: int
    ) -> None:
        row = self._tables.group_row
        transaction.update(
            row(current.tenant, current.group_id),
            actions=[
                row.face_count.set(int(current.face_count) + faces),
                row.last_change.set(int(current.last_change) + changes),
            ],
            condition=(row.generation == current.generation)
            & (row.last_change == current.last_change),
        )

    def _numbered(
        self, generation: str, number: Literal["added", "removed"], after: int, last: int
    ) -> Iterator[FaceChange]:
        key = getattr(self._tables.face_row, number)
        while after < last:
            rows = self._query(
                generation,
                key.between(after + 1, last),
                index=f"by_{number}",
                limit=_CHANGES_AT_ONCE,
                attributes=_PROJECTED[number],
            )
            for row in rows:
                after = int(getattr(row, number))
                yield FaceChange(after, row.face_id, row.sealed_vector)
            if len(rows) < _CHANGES_AT_ONCE:
                break

    def _query(
        self,
        generation: str,
        condition: Condition | None = None,
        *,
        index: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        attributes: list[str] | None = None,
    ) -> list[FaceRow]:
        return self._tables.retry.call(
            lambda: list(
                self._tables.face_row.query(
                    generation,
                    condition,
                    index_name=index,
                    consistent_read=True,
                    scan_index_forward=not newest_first,
                    limit=limit,
                    attributes_to_get=attributes,
                )
            )
        )

    def _get(self, keys: Sequence[tuple[str, str]]) -> list[FaceRow]:
        # PynamoDB asks again for the keys that DynamoDB left out: each time some are answered.
        row = self._tables.face_row
        return self._tables.retry.call(lambda: list(row.batch_get(keys, consistent_read=True)))

    def _delete(self, rows: Sequence[FaceRow]) -> None:
        def delete() -> None:
            with self._tables.face_row.batch_write() as batch:
                for row in rows:
                    batch.delete(row)

        self._tables.retry.call(delete)

    def _new_row(self, group: Group, face: StoredFace, change: int) -> FaceRow:
        box = face.box
        return self._tables.face_row(
            group.generation,
            face.face_id,
            added=change,
            image_id=face.image_id,
            external_image_id=face.external_image_id,
            box=[box.x1, box.y1, box.x2, box.y2],
            confidence=face.confidence,
            sealed_vector=face.sealed_vector,
        )


def _is_key(face_id: str) -> bool:
    return 0 < len(face_id.encode()) <= _MAX_ID_LENGTH


def _face(row: FaceRow) -> StoredFace:
    return StoredFace(
        face_id=row.face_id,
        image_id=row.image_id,
        external_image_id=row.external_image_id,
        box=Box(*row.box),
        confidence=row.confidence,
        sealed_vector=row.sealed_vector,
        change=int(row.added),
    )
