"""What a clean-up removes and keeps, and how it ends."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.in_memory import InMemoryDistinctTracker, InMemoryUsage
from shared.core import cleanup
from shared.core.blobs import BlobInfo
from shared.core.cleanup import CleanUpError, Report
from shared.core.deadline import Deadline
from shared.core.errors import StoreUnavailableError
from shared.core.metering.models import DistinctLimit, Limits, Rate
from shared.core.recognition.models import Group
from shared.storage.local.blobs import FileBlobs
from tests.fakes import InMemoryFaces, InMemoryGroups
from tests.shared.storage.stores import Store, new_face

NOW = datetime(2026, 1, 31, 3, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class AgedBlobs(FileBlobs):
    """Blobs in a folder that are as old as is said of them; others are new."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.ages: dict[str, timedelta] = {}

    def stat(self, key: str) -> BlobInfo | None:
        info = super().stat(key)
        return info and replace(info, modified_at=NOW - self.ages.get(key, timedelta()))


@dataclass
class Place:
    """A deployment's stores: rows in memory, blobs in folders."""

    folder: Path
    groups: InMemoryGroups = field(default_factory=InMemoryGroups)
    usage: InMemoryUsage = field(default_factory=InMemoryUsage)
    tracker: InMemoryDistinctTracker = field(default_factory=InMemoryDistinctTracker)

    def __post_init__(self) -> None:
        self.faces = InMemoryFaces(self.groups)
        self.snapshots = AgedBlobs(self.folder / "snapshots")
        self.inbox = AgedBlobs(self.folder / "inbox")
        self.outbox = AgedBlobs(self.folder / "outbox")

    def group(self, name: str = "g", faces: int = 0) -> Group:
        store = Store(self.groups, self.faces)
        group = store.create(name)
        self.faces.add(group, [new_face() for _ in range(faces)], capacity=faces)
        return group

    def clean_up(
        self, deadline: Deadline | None = None, *, originals_days: int = 30, outbox_days: int = 0
    ) -> Report:
        return cleanup.clean_up(
            groups=self.groups,
            faces=self.faces,
            usage=self.usage,
            tracker=self.tracker,
            snapshots=self.snapshots,
            inbox=self.inbox,
            outbox=self.outbox,
            originals_days=originals_days,
            outbox_days=outbox_days,
            now=NOW.timestamp(),
            deadline=deadline or Deadline.after(60),
        )


class Countdown(Deadline):
    """A deadline that passes after a number of checks."""

    def __init__(self, looks: int) -> None:
        super().__init__(expires_at=0.0)
        object.__setattr__(self, "looks", iter(range(looks)))

    @property
    def has_passed(self) -> bool:
        return next(self.__dict__["looks"], None) is None


def put(blobs: AgedBlobs, key: str, age: timedelta, data: bytes = b"x") -> None:
    blobs.put(key, data)
    blobs.ages[key] = age


def keys(blobs: FileBlobs) -> list[str]:
    return [info.key for info in blobs.list()]


def with_files_of(blobs: AgedBlobs, kind: type[AgedBlobs]) -> AgedBlobs:
    """Return another kind of blobs with the same files."""
    other = kind(blobs._root)
    other.ages = blobs.ages
    return other


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def litter(place: Place) -> None:
    """Leave something behind for every step, beside what must stay."""
    now, long_ago = NOW.timestamp(), (NOW - 500 * DAY).timestamp()
    place.usage.admit("a", Limits(in_flight=9), now=now, lease_s=90)
    place.usage.admit("a", Limits(in_flight=9), now=long_ago, lease_s=90)
    place.usage.admit("b", Limits(in_flight=9, rate=Rate(1)), now=long_ago, lease_s=90)
    for key in ("a", "b"):
        for age in (timedelta(), 2 * DAY):
            place.tracker.note(
                f"key {key}", f"{age}", limit=DistinctLimit(9, 3600), now=(NOW - age).timestamp()
            )
    kept = place.group("kept", faces=3)
    deleted = place.group("deleted", faces=250)
    place.groups.delete(deleted)
    manifest = b'{"version": "v2", "last_change": 3, "faces": 3}'
    put(place.snapshots, f"{kept.generation}/manifest", 2 * HOUR, manifest)
    put(place.snapshots, f"{deleted.generation}/manifest", 2 * HOUR, manifest)
    for part in ("index", "vectors"):
        for version in ("v1", "v2"):
            put(place.snapshots, f"{kept.generation}/{version}/{part}", 2 * HOUR)
        put(place.snapshots, f"{kept.generation}/v3/{part}", MINUTE)
        put(place.snapshots, f"{deleted.generation}/v2/{part}", 2 * HOUR)
    for number in range(4):
        put(place.inbox, f"{number}.jpg", (28.5 + number) * DAY)
        put(place.outbox, f"quarantine/{number}.jpg", (28.5 + number) * DAY)
        put(place.outbox, f"{number}.jpg", (5.5 + number) * DAY)


REMOVED = {
    "face_rows": 250, "leases": 2, "paces": 1, "periods": 4, "sightings": 2, "snapshot_parts": 5,
    "originals": 2, "quarantined": 2, "outputs": 2,
}  # fmt: skip
SNAPSHOT_LEFT = ("manifest", "v2/index", "v2/vectors", "v3/index", "v3/vectors")
NOTHING = dict.fromkeys(REMOVED, 0)
ENDED = {"failed": 0, "unfinished": 0}


def assert_clean(place: Place) -> None:
    """Check that all of the litter is gone, and nothing else."""
    assert place.faces.purge(1) == 0
    kept = place.groups.get("t", "kept")
    assert len(place.faces.list_page(kept, before=None, limit=9)) == 3
    present = {"2026-01-31": 1, "2026-01": 1, "2026": 1}
    assert place.usage.counts("a") == {"2024": 1, **present}
    assert place.usage.counts("b") == {"2024": 1}
    assert keys(place.snapshots) == [f"{kept.generation}/{part}" for part in SNAPSHOT_LEFT]
    assert keys(place.inbox) == ["0.jpg", "1.jpg"]
    assert keys(place.outbox) == ["0.jpg", "1.jpg", "quarantine/0.jpg", "quarantine/1.jpg"]


def test_removes_what_is_no_longer_needed_and_reports_it(place: Place) -> None:
    litter(place)
    assert place.clean_up(outbox_days=7) == {**REMOVED, **ENDED}
    assert_clean(place)


def test_a_second_run_finds_nothing_to_do(place: Place) -> None:
    litter(place)
    place.clean_up(outbox_days=7)
    assert place.clean_up(outbox_days=7) == {**NOTHING, **ENDED}
    assert_clean(place)


def test_starts_nothing_after_the_deadline(place: Place) -> None:
    litter(place)
    assert place.clean_up(Deadline(0.0)) == {**NOTHING, "failed": 0, "unfinished": 1}
    assert len(keys(place.inbox)) == 4


@pytest.mark.parametrize("looks", [17, 20, 30])
def test_the_next_run_continues_after_a_deadline(place: Place, looks: int) -> None:
    litter(place)
    total: Counter[str] = Counter()
    for _ in range(10):
        report = place.clean_up(Countdown(looks), outbox_days=7)
        total.update(report)
        if not report["unfinished"]:
            break
    assert total["unfinished"] >= 1
    assert {name: total[name] for name in REMOVED} == REMOVED
    assert_clean(place)


def test_a_long_step_does_not_keep_the_others_waiting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    litter(place)
    monkeypatch.setattr(cleanup, "_TURN_S", 0.0)

    class Endless(InMemoryFaces):
        def purge(self, limit: int) -> int:
            return limit

    place.faces = Endless(place.groups)
    report = place.clean_up(Countdown(200), outbox_days=7)
    assert report["face_rows"] > 0
    assert report["unfinished"] == 1
    assert {**report, "face_rows": 250} == {**REMOVED, "failed": 0, "unfinished": 1}


def test_a_step_that_fails_does_not_keep_the_others_from_running(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    litter(place)

    class Broken(InMemoryUsage):
        def clean_up(self, before: float) -> Iterator[Mapping[str, int]]:
            yield {"leases": 1}
            raise StoreUnavailableError

    class Denied(AgedBlobs):
        def list(self, prefix: str = "") -> Iterator[BlobInfo]:
            raise PermissionError(prefix)

    place.usage, place.inbox = Broken(), with_files_of(place.inbox, Denied)
    with caplog.at_level(logging.INFO), pytest.raises(CleanUpError, match="2 steps"):
        place.clean_up(outbox_days=7)
    (line,) = [record for record in caplog.records if record.message == "clean-up"]
    expected = {
        **REMOVED,
        "leases": 1,
        "paces": 0,
        "periods": 0,
        "originals": 0,
        "failed": 2,
        "unfinished": 0,
    }
    assert {name: getattr(line, name) for name in expected} == expected
    assert [record.message for record in caplog.records if record.exc_info] == [
        "a step of the clean-up failed"
    ] * 2
    assert keys(place.outbox) == ["0.jpg", "1.jpg", "quarantine/0.jpg", "quarantine/1.jpg"]


def test_a_process_that_dies_between_two_files_leaves_the_rest_to_the_next(place: Place) -> None:
    litter(place)

    class Dying(AgedBlobs):
        def delete(self, key: str, *, expected: str | None = None) -> None:
            super().delete(key, expected=expected)
            raise KeyboardInterrupt

    alive, place.inbox = place.inbox, with_files_of(place.inbox, Dying)
    with pytest.raises(KeyboardInterrupt):
        place.clean_up(outbox_days=7)
    assert len(keys(place.inbox)) == 3
    place.inbox = alive
    assert place.clean_up(outbox_days=7)["originals"] == 1
    assert_clean(place)


def test_two_runs_at_once_do_no_harm(place: Place) -> None:
    litter(place)
    together = threading.Barrier(2)

    def run(_: int) -> Report:
        together.wait()
        return place.clean_up(outbox_days=7)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, range(2)))
    assert sum(report["face_rows"] for report in reports) == 250
    assert_clean(place)


@pytest.mark.parametrize(
    ("originals_days", "outbox_days", "inbox", "outbox"),
    [
        (0, 0, ["a"], ["a", "quarantine/a"]),
        (1, 0, [], ["a"]),
        (0, 1, ["a"], ["quarantine/a"]),
        (1, 1, [], []),
        (400, 400, ["a"], ["a", "quarantine/a"]),
    ],
)
def test_removes_files_at_the_configured_age(
    place: Place, originals_days: int, outbox_days: int, inbox: list[str], outbox: list[str]
) -> None:
    put(place.inbox, "a", 300 * DAY)
    for key in ("a", "quarantine/a"):
        put(place.outbox, key, 300 * DAY)
    place.clean_up(originals_days=originals_days, outbox_days=outbox_days)
    assert (keys(place.inbox), keys(place.outbox)) == (inbox, outbox)


def test_keeps_a_file_that_is_replaced_during_the_run(place: Place) -> None:
    class Replaced(AgedBlobs):
        def delete(self, key: str, *, expected: str | None = None) -> None:
            self.put(key, b"new")
            super().delete(key, expected=expected)

    put(place.inbox, "a.jpg", 300 * DAY)
    place.inbox = with_files_of(place.inbox, Replaced)
    assert place.clean_up()["originals"] == 0
    assert place.inbox.get("a.jpg").data == b"new"


MANIFEST = b'{"version": "v1", "last_change": 3, "faces": 3}'


@pytest.mark.parametrize(
    ("manifest", "manifest_age", "part_age", "is_kept"),
    [
        (MANIFEST, 5 * HOUR, 5 * HOUR, {"v1": True, "v2": False}),
        (MANIFEST, 5 * HOUR, HOUR / 2, {"v1": True, "v2": True}),
        (MANIFEST, MINUTE / 2, 5 * HOUR, {"v1": True, "v2": True}),
        (None, 5 * HOUR, 5 * HOUR, {"v1": False, "v2": False}),
        (None, 5 * HOUR, HOUR / 2, {"v1": True, "v2": True}),
        (b"{", 5 * HOUR, 5 * HOUR, {"v1": False, "v2": False}),
        (b"[]", 5 * HOUR, 5 * HOUR, {"v1": False, "v2": False}),
    ],
    ids=["old", "just made", "just superseded", "no manifest", "no manifest yet", "cut", "odd"],
)
def test_removes_only_snapshots_that_are_certainly_not_in_use(
    place: Place,
    manifest: bytes | None,
    manifest_age: timedelta,
    part_age: timedelta,
    is_kept: dict[str, bool],
) -> None:
    generation = place.group().generation
    if manifest is not None:
        put(place.snapshots, f"{generation}/manifest", manifest_age, manifest)
    for version in is_kept:
        put(place.snapshots, f"{generation}/{version}/part", part_age)
    place.clean_up()
    kept = [f"{generation}/{version}/part" for version, kept in is_kept.items() if kept]
    manifests = [f"{generation}/manifest"] if manifest is not None else []
    assert keys(place.snapshots) == sorted([*manifests, *kept])


@pytest.mark.parametrize(
    ("removed", "added", "age", "is_kept"),
    [
        (0, 0, 300 * DAY, True),
        (0, 5, 300 * DAY, True),
        (1, 0, 25 * HOUR, False),
        (1, 5, 25 * HOUR, False),
        (1, 5, 23 * HOUR, True),
    ],
)
def test_no_snapshot_holds_a_removed_face_for_longer_than_a_day(
    place: Place, removed: int, added: int, age: timedelta, *, is_kept: bool
) -> None:
    group = place.group(faces=3)
    put(place.snapshots, f"{group.generation}/manifest", age, MANIFEST)
    put(place.snapshots, f"{group.generation}/v1/vectors", age)
    for face in place.faces.list_page(group, before=None, limit=removed) if removed else ():
        place.faces.remove(group, face.face_id)
    place.faces.add(group, [new_face() for _ in range(added)], capacity=100)
    place.clean_up()
    assert bool(keys(place.snapshots)) is is_kept


def test_removes_the_old_snapshot_of_a_deleted_group(place: Place) -> None:
    for generation, age in (("gone", 2 * HOUR), ("going", HOUR / 2)):
        put(place.snapshots, f"{generation}/manifest", age, MANIFEST)
        put(place.snapshots, f"{generation}/v1/part", age)
    assert place.clean_up()["snapshot_parts"] == 2
    assert keys(place.snapshots) == ["going/manifest", "going/v1/part"]
