"""Small real implementations of the ports, with the same contract tests as the adapters."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from typing_extensions import override

from shared.core import metrics
from shared.core.blobs import Blob, BlobInfo, Blobs
from shared.core.errors import (
    BlobChangedError,
    BlobNotFoundError,
    BlobTooLargeError,
    FaceNotFoundError,
    GroupExistsError,
    GroupNotFoundError,
    PersonNotFoundError,
)
from shared.core.recognition.models import FaceChange, Group, Person, PersonId, StoredFace
from shared.core.recognition.ports import Faces, Groups, Persons

Series = tuple[str, *tuple[str, ...]]  # a metric's name, and the values of its labels in its order


class InMemoryMetrics(metrics.Metrics):
    """Implements `Metrics`; takes only the metrics of the catalogue, with all their labels."""

    def __init__(self) -> None:
        self.totals: defaultdict[Series, float] = defaultdict(float)
        self.values: defaultdict[Series, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    @override
    def count(self, metric: metrics.Counter, value: float = 1, **labels: str) -> None:
        with self._lock:
            self.totals[self._series(metric, labels)] += value

    @override
    def observe(self, metric: metrics.Histogram, value: float, **labels: str) -> None:
        with self._lock:
            self.values[self._series(metric, labels)].append(value)

    @override
    def invocation(self) -> AbstractContextManager[None]:
        return nullcontext()

    @override
    def exposition(self) -> None:
        return None

    def _series(self, metric: metrics.Metric, labels: dict[str, str]) -> Series:
        assert metric in metrics.CATALOGUE
        assert labels.keys() == set(metric.labels), metric.name
        return metric.name, *(labels[name] for name in metric.labels)


class InMemoryGroups(Groups):
    """Implements `Groups`; `InMemoryFaces` shares its lock and its counts."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.deleted: list[str] = []
        self._groups: dict[tuple[str, str], Group] = {}

    @override
    def create(self, group: Group) -> None:
        with self.lock:
            if (group.tenant, group.group_id) in self._groups:
                raise GroupExistsError(group.group_id)
            self._groups[group.tenant, group.group_id] = group

    @override
    def get(self, tenant: str, group_id: str) -> Group:
        with self.lock:
            if (tenant, group_id) not in self._groups:
                raise GroupNotFoundError(group_id)
            return self._groups[tenant, group_id]

    @override
    def get_generation(self, generation: str) -> Group:
        with self.lock:
            for group in self._groups.values():
                if group.generation == generation:
                    return group
        raise GroupNotFoundError(generation)

    @override
    def list_page(self, tenant: str, *, after: str | None, limit: int) -> tuple[Group, ...]:
        with self.lock:
            groups = (g for g in self._groups.values() if g.tenant == tenant)
            later = (g for g in groups if after is None or g.group_id > after)
            return tuple(sorted(later, key=lambda group: group.group_id)[:limit])

    @override
    def delete(self, group: Group) -> None:
        with self.lock:
            del self._groups[group.tenant, self.current(group).group_id]
            self.deleted.append(group.generation)

    def current(self, group: Group) -> Group:
        """Return this generation of the group as it is now."""
        found = self.get(group.tenant, group.group_id)
        if found.generation != group.generation:
            raise GroupNotFoundError(group.group_id)
        return found

    def update_counts(self, group: Group, *, faces: int, changes: int) -> None:
        """Change the counts of the group."""
        self._groups[group.tenant, group.group_id] = replace(
            group,
            face_count=group.face_count + faces,
            last_change=group.last_change + changes,
        )


class InMemoryFaces(Faces):
    """Implements `Faces`; a tombstone is the number of its change.

    `changes_read` counts the changes that were yielded.
    """

    def __init__(self, groups: InMemoryGroups) -> None:
        self.changes_read = 0
        self._groups = groups
        self._rows: dict[str, dict[str, StoredFace | int]] = {}

    @override
    def add(self, group: Group, faces: Sequence[StoredFace], *, capacity: int) -> int:
        with self._groups.lock:
            current = self._groups.current(group)
            fitting = faces[: max(0, capacity - current.face_count)]
            rows = self._rows.setdefault(group.generation, {})
            for change, face in enumerate(fitting, start=current.last_change + 1):
                rows[face.face_id] = replace(face, change=change)
            self._groups.update_counts(current, faces=len(fitting), changes=len(fitting))
            return len(fitting)

    @override
    def remove(self, group: Group, face_id: str) -> None:
        with self._groups.lock:
            current = self._groups.current(group)
            if face_id not in self.get_many(group, [face_id]):
                raise FaceNotFoundError(face_id)
            self._rows[group.generation][face_id] = current.last_change + 1
            self._groups.update_counts(current, faces=-1, changes=1)

    @override
    def get_many(self, group: Group, face_ids: Sequence[str]) -> dict[str, StoredFace]:
        with self._groups.lock:
            wanted = set(face_ids)
            return {face.face_id: face for face in self._live(group) if face.face_id in wanted}

    @override
    def find_labelled(self, group: Group, external_image_id: str) -> tuple[str, ...]:
        with self._groups.lock:
            live = self._live(group)
            return tuple(f.face_id for f in live if f.external_image_id == external_image_id)

    @override
    def list_page(self, group: Group, *, before: int | None, limit: int) -> tuple[StoredFace, ...]:
        with self._groups.lock:
            older = [f for f in self._live(group) if before is None or f.change < before]
            return tuple(sorted(older, key=lambda face: -face.change)[:limit])

    @override
    def changes(self, group: Group, *, after: int) -> Iterator[FaceChange]:
        with self._groups.lock:
            rows = dict(self._rows.get(group.generation, {}))
        changes = (
            FaceChange(row, face_id, None)
            if isinstance(row, int)
            else FaceChange(row.change, face_id, row.sealed_vector)
            for face_id, row in rows.items()
        )
        later = (change for change in changes if change.number > after)
        for change in sorted(later, key=lambda change: change.number):
            self.changes_read += 1
            yield change

    @override
    def purge(self, limit: int) -> int:
        with self._groups.lock:
            doomed = [
                (generation, face_id)
                for generation in self._groups.deleted
                for face_id in self._rows.get(generation, {})
            ][:limit]
            for generation, face_id in doomed:
                del self._rows[generation][face_id]
            return len(doomed)

    def _live(self, group: Group) -> list[StoredFace]:
        rows = self._rows.get(group.generation, {}).values()
        return [row for row in rows if not isinstance(row, int)]


class InMemoryPersons(Persons):
    """Implements `Persons`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._persons: dict[PersonId, Person] = {}

    @override
    def get(self, person_id: PersonId) -> Person:
        with self._lock:
            if person_id not in self._persons:
                raise PersonNotFoundError(str(person_id))
            return self._persons[person_id]

    @override
    def put(self, person: Person) -> None:
        with self._lock:
            self._persons[person.id] = person

    @override
    def list_ids(self, tenant: str, company: str) -> Iterator[PersonId]:
        with self._lock:
            ids = [i for i in self._persons if (i.tenant, i.company) == (tenant, company)]
        yield from sorted(ids, key=lambda person_id: person_id.user_id)

    @override
    def delete(self, person_id: PersonId) -> None:
        with self._lock:
            self._persons.pop(person_id, None)


class InMemoryBlobs(Blobs):
    """Implements `Blobs`; `metadata` holds that of each key."""

    def __init__(self) -> None:
        self.metadata: dict[str, dict[str, str]] = {}
        self._lock = threading.RLock()
        self._blobs: dict[str, tuple[bytes, BlobInfo]] = {}
        self._versions = itertools.count(1)

    @override
    def accepts(self, key: str) -> bool:
        return 0 < len(key.encode(errors="replace")) <= 1024 and key.isprintable()

    @override
    def stat(self, key: str) -> BlobInfo | None:
        found = self._blobs.get(key)
        return found[1] if found else None

    @override
    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        with self._lock:
            if key not in self._blobs:
                raise BlobNotFoundError(key)
            data, info = self._blobs[key]
            if max_bytes is not None and info.size > max_bytes:
                raise BlobTooLargeError(key)
            return Blob(data, info.version, self.metadata.get(key, {}))

    @override
    def put(self, key: str, data: bytes) -> str:
        with self._lock:
            version = f"version {next(self._versions)}"
            self._blobs[key] = (data, BlobInfo(key, version, len(data), datetime.now(UTC)))
            return version

    @override
    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        with self._lock:
            self._expect(key, expected)
            return self.put(key, data)

    @override
    def copy(
        self,
        source: Blobs,
        source_key: str,
        key: str,
        *,
        source_version: str,
        expected: str | None,
    ) -> None:
        copied = source.get(source_key)
        if copied.version != source_version:
            raise BlobChangedError(source_key)
        with self._lock:
            self.replace(key, copied.data, expected=expected)
            self.metadata[key] = dict(copied.metadata)

    @override
    def delete(self, key: str, *, expected: str | None = None) -> None:
        with self._lock:
            if key in self._blobs and expected is not None:
                self._expect(key, expected)
            self._blobs.pop(key, None)
            self.metadata.pop(key, None)

    @override
    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        with self._lock:
            found = [info for _, info in self._blobs.values() if info.key.startswith(prefix)]
        yield from sorted(found, key=lambda info: info.key)

    def _expect(self, key: str, version: str | None) -> None:
        there = self.stat(key)
        if (there.version if there else None) != version:
            raise BlobChangedError(key)
