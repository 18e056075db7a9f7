"""Removes rows, counts, snapshots and files that are no longer needed.

Each kind is a step: an iterator that removes a little at a time and yields how much. The steps take
turns until all have ended or the time is up, so a long one does not keep the others waiting. No
step stores its position. So it can be interrupted anywhere, run by two processes at once, and run
again: it finds again what is left to remove.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby

from shared.core.blobs import BlobInfo, Blobs
from shared.core.deadline import Deadline
from shared.core.errors import BlobChangedError, GroupNotFoundError
from shared.core.metering.ports import DistinctTracker, Usage
from shared.core.recognition import snapshots as layout
from shared.core.recognition.ports import Faces, Groups
from shared.core.uploads.processing import QUARANTINE

Report = dict[str, int]
Step = Iterator[Mapping[str, int]]

REMOVED = (
    "face_rows", "leases", "paces", "periods", "sightings", "snapshot_parts",
    "originals", "quarantined", "outputs",
)  # fmt: skip
"""The counts of a report. It also has the number of steps that `failed`, and `unfinished`."""

_TURN_S = 1.0
_PURGED_AT_ONCE = 100  # rows
_SETTLED = timedelta(hours=1)  # longer than any call or build, and than any clock difference
_HOLDING = timedelta(days=1)  # how long a snapshot may hold removed faces
_READING = timedelta(minutes=1)  # longer than it takes to read a snapshot

_logger = logging.getLogger(__name__)


class CleanUpError(Exception):
    """Some steps of a clean-up failed, the others ran. The log has the causes and the report."""


def clean_up(
    *,
    groups: Groups,
    faces: Faces,
    usage: Usage,
    tracker: DistinctTracker,
    snapshots: Blobs,
    inbox: Blobs,
    outbox: Blobs,
    originals_days: int,
    outbox_days: int,
    now: float,
    deadline: Deadline,
) -> Report:
    """Remove what is no longer needed, until the deadline; return how much of each kind.

    Args:
        groups: the snapshots of their current generations are needed.
        faces: loses the rows of deleted groups.
        usage: loses leases of abandoned calls, paces that have run out, and old periods.
        tracker: loses entries that no longer count.
        snapshots: loses those of deleted groups, and versions that are no longer current.
        inbox: loses files that are older than `originals_days`, processed or not.
        outbox: loses quarantined files of the same age, and others older than `outbox_days`.
        originals_days: 0 for never.
        outbox_days: 0 for never.
        now: in seconds since 1970, UTC.
        deadline: when to stop.

    Raises:
        CleanUpError: a step failed; the others ran all the same.
    """
    time = datetime.fromtimestamp(now, UTC)
    settled = (time - _SETTLED).timestamp()
    steps: list[Step] = [
        _purge(faces),
        usage.clean_up(settled),
        ({"sightings": dropped} for dropped in tracker.clean_up(settled)),
        _clean_snapshots(groups, snapshots, time),
    ]
    if originals_days:
        limit = time - timedelta(days=originals_days)
        steps += [
            _remove_older(inbox, limit, "originals"),
            _remove_older(outbox, limit, "quarantined", prefix=QUARANTINE),
        ]
    if outbox_days:
        limit = time - timedelta(days=outbox_days)
        steps.append(_remove_older(outbox, limit, "outputs", excluded=QUARANTINE))
    return _take_turns(steps, deadline)


def _take_turns(steps: Iterable[Step], deadline: Deadline) -> Report:
    counts = Counter(dict.fromkeys(REMOVED, 0))
    waiting = deque(steps)
    failed = 0
    while waiting and not deadline.has_passed:
        step = waiting.popleft()
        try:
            if _take_turn(step, counts, deadline):
                waiting.append(step)
        except Exception:  # of any kind: the other steps can still run
            failed += 1
            _logger.exception("a step of the clean-up failed")
    report = {**counts, "failed": failed, "unfinished": int(bool(waiting))}
    _logger.info("clean-up", extra=report)
    if failed:
        raise CleanUpError(f"{failed} steps failed")
    return report


def _take_turn(step: Step, counts: Counter[str], deadline: Deadline) -> bool:
    """Continue a step for a while; return whether there may be more to do."""
    turn = Deadline.after(_TURN_S)
    for removed in step:
        counts.update(removed)
        if turn.has_passed or deadline.has_passed:
            return True
    return False


def _purge(faces: Faces) -> Step:
    while rows := faces.purge(_PURGED_AT_ONCE):
        yield {"face_rows": rows}


def _clean_snapshots(groups: Groups, blobs: Blobs, now: datetime) -> Step:
    """Remove snapshots that are no longer current, and those that held removed faces for a day.

    Without a snapshot a group is read row by row, until its next change makes a new snapshot.

    Blobs younger than an hour stay: they may belong to a snapshot that is being made.
    """
    for generation, parts in groupby(blobs.list(), lambda info: layout.generation_of(info.key)):
        old = [part for part in parts if part.modified_at < now - _SETTLED]
        for part in _superseded(groups, blobs, generation, old, now) if old else ():
            yield {"snapshot_parts": _remove(blobs, part)}
        yield {}


def _superseded(
    groups: Groups, blobs: Blobs, generation: str, old: list[BlobInfo], now: datetime
) -> list[BlobInfo]:
    try:
        group = groups.get_generation(generation)
    except GroupNotFoundError:
        return old
    stored = blobs.stat(layout.manifest_key(generation))
    if stored and stored.modified_at > now - _READING:
        return []  # the previous version may still be in use
    manifest, _ = layout.read_manifest(blobs, generation)
    if (
        stored
        and manifest
        and stored.modified_at < now - _HOLDING
        and layout.holds_removed(manifest, group)
    ):
        return sorted(old, key=lambda part: part.key != stored.key)  # the manifest first
    current = manifest.version if manifest else None
    return [part for part in old if layout.version_of(part.key) not in (current, None)]


def _remove_older(
    blobs: Blobs, limit: datetime, kind: str, *, prefix: str = "", excluded: str | None = None
) -> Step:
    for info in blobs.list(prefix):
        is_included = excluded is None or not info.key.startswith(excluded)
        yield {kind: _remove(blobs, info)} if is_included and info.modified_at < limit else {}


def _remove(blobs: Blobs, info: BlobInfo) -> int:
    """Remove a blob unless it was replaced since it was listed; return how many were removed."""
    try:
        blobs.delete(info.key, expected=info.version)
    except BlobChangedError:
        return 0
    return 1
