"""What is removed behind the calls: rows, counts, snapshots and files that nobody needs any more.

Each kind is a step, an iterator that removes a little at a time and tells how much. The steps take
turns until all have ended or the time is up, so a long one does not keep the others waiting. None
remembers where it was: what is left to remove is found again, so a step may be broken off anywhere,
run by two processes at once, and run again.
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
"""What a report counts, besides the steps that `failed` and whether it was left `unfinished`."""

_TURN_S = 1.0
_PURGED_AT_ONCE = 100  # rows
_SETTLED = timedelta(hours=1)  # longer than a call or a build lasts, or clocks differ
_HOLDING = timedelta(days=1)  # as long as a snapshot may hold faces that were removed
_READING = timedelta(minutes=1)  # longer than a snapshot takes to be read

_logger = logging.getLogger(__name__)


class CleanUpError(Exception):
    """Steps of a clean-up failed; the others were taken. The log has the causes and the report."""


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
    """Remove what nobody needs any more, until the deadline; return how much of what.

    Args:
        groups: whose generations tell which snapshots are needed.
        faces: from which the rows of deleted groups go.
        usage: from which go leases of calls that nobody ended, paces that are over, and periods
            that are not kept.
        tracker: from which those go that count no more.
        snapshots: from which go those of deleted groups, and versions that are not in force.
        inbox: from which files go that are older than `originals_days`, processed or not.
        outbox: from which quarantined files go at the same age, and others that are older than
            `outbox_days`.
        originals_days: 0 for never.
        outbox_days: 0 for never.
        now: in seconds since 1970, UTC.
        deadline: when to stop.

    Raises:
        CleanUpError: a step failed; the others were taken all the same.
    """
    time = datetime.fromtimestamp(now, UTC)
    settled = (time - _SETTLED).timestamp()
    steps: list[Step] = [
        _purge(faces),
        _clean_usage(usage, settled),
        _clean_tracker(tracker, settled),
        _clean_snapshots(groups, snapshots, time),
    ]
    if originals_days:
        limit = time - timedelta(days=originals_days)
        steps += [
            _remove_older(inbox, limit, "originals"),
            _remove_older(outbox, limit, "quarantined", below=QUARANTINE),
        ]
    if outbox_days:
        limit = time - timedelta(days=outbox_days)
        steps.append(_remove_older(outbox, limit, "outputs", but=QUARANTINE))
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
        except Exception:  # of whatever kind: the other steps are none the worse for it
            failed += 1
            _logger.exception("a step of the clean-up failed")
    report = {**counts, "failed": failed, "unfinished": int(bool(waiting))}
    _logger.info("clean-up", extra=report)
    if failed:
        raise CleanUpError(f"{failed} steps failed")
    return report


def _take_turn(step: Step, counts: Counter[str], deadline: Deadline) -> bool:
    """Go on with a step for a while; return whether there may be more to do."""
    turn = Deadline.after(_TURN_S)
    for removed in step:
        counts.update(removed)
        if turn.has_passed or deadline.has_passed:
            return True
    return False


def _purge(faces: Faces) -> Step:
    while rows := faces.purge(_PURGED_AT_ONCE):
        yield {"face_rows": rows}


def _clean_usage(usage: Usage, before: float) -> Step:
    yield from usage.clean_up(before)


def _clean_tracker(tracker: DistinctTracker, before: float) -> Step:
    for dropped in tracker.clean_up(before):
        yield {"sightings": dropped}


def _clean_snapshots(groups: Groups, blobs: Blobs, now: datetime) -> Step:
    """Remove the snapshots that are not in force, and those that hold removed faces for a day.

    Without its snapshot a group is read row by row, until its next change makes another.

    What is younger than an hour stays: it may be a part of a snapshot that is being made.
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
        return []  # somebody may still read the version before
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
    blobs: Blobs, limit: datetime, what: str, *, below: str = "", but: str | None = None
) -> Step:
    for info in blobs.list(below):
        is_meant = but is None or not info.key.startswith(but)
        yield {what: _remove(blobs, info)} if is_meant and info.modified_at < limit else {}


def _remove(blobs: Blobs, info: BlobInfo) -> int:
    """Remove a blob, unless it was replaced since it was listed; return how many were removed."""
    try:
        blobs.delete(info.key, expected=info.version)
    except BlobChangedError:
        return 0
    return 1
