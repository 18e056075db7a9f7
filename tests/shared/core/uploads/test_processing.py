"""Uploads, whatever other processes do at the same time, and whenever a process is killed."""

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.blobs import Blob, BlobInfo, Blobs
from shared.core.errors import (
    AnalysisTimeoutError,
    BlobChangedError,
    CorruptImageError,
    FaceError,
    FaceNotFoundError,
    GroupNotFoundError,
    StoreUnavailableError,
    TooManyPixelsError,
    UnknownModelError,
)
from shared.core.hiding.deidentify import Deidentified
from shared.core.hiding.hide_options import HideOptions
from shared.core.hiding.ports import HideMethod
from shared.core.photos.models import ImageFormat
from shared.core.uploads import processing
from shared.core.uploads.processing import Outcome, Pipeline
from tests.fakes import InMemoryBlobs

KEY = "a/photo.jpg"
NOW = 1_800_000_000.0
WRITES = ("put", "replace", "copy", "delete")
MAX_BYTES = 1000
GOOD, OTHER, BAD, WORSE = b"good", b"other", b"bad", b"bad, too"


class Killed(BaseException):
    """The process was killed."""


class Rewriter:
    """De-identifies what does not begin with `bad`: writes the method in front of it."""

    def __init__(self, model: str = "1", error: Exception | None = None) -> None:
        self.model = model
        self.error = error or CorruptImageError("the file is broken")

    def basis(self, options: HideOptions) -> dict[str, Any]:
        return {"models": {"detector": self.model}}

    def hide(self, data: bytes, options: HideOptions) -> Deidentified:
        if data.startswith(b"bad"):
            raise self.error
        return Deidentified(options.method.encode() + b" " + data, ImageFormat.JPEG, faces=())


class Watched:
    """Blobs that report each call before it is made."""

    def __init__(self, blobs: InMemoryBlobs, watch: Callable[[str], None]) -> None:
        self._blobs = blobs
        self._watch = watch

    def accepts(self, key: str) -> bool:
        return self._blobs.accepts(key)

    def stat(self, key: str) -> BlobInfo | None:
        self._watch("find")
        return self._blobs.stat(key)

    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        self._watch("get")
        return self._blobs.get(key, max_bytes=max_bytes)

    def put(self, key: str, data: bytes) -> str:
        self._watch("put")
        return self._blobs.put(key, data)

    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        self._watch("replace")
        return self._blobs.replace(key, data, expected=expected)

    def copy(
        self,
        source: Blobs,
        source_key: str,
        key: str,
        *,
        source_version: str,
        expected: str | None,
    ) -> None:
        self._watch("copy")
        origin = source._blobs if isinstance(source, Watched) else source
        self._blobs.copy(origin, source_key, key, source_version=source_version, expected=expected)

    def delete(self, key: str, *, expected: str | None = None) -> None:
        self._watch("delete")
        self._blobs.delete(key, expected=expected)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        return self._blobs.list(prefix)


@dataclass
class Place:
    inbox: InMemoryBlobs = field(default_factory=InMemoryBlobs)
    outbox: InMemoryBlobs = field(default_factory=InMemoryBlobs)

    def process(
        self,
        key: str = KEY,
        *,
        watch: Callable[[str], None] = lambda call: None,
        hider: Rewriter | None = None,
        originals: str = "remove",
        options: HideOptions | None = None,
        is_last: bool = False,
    ) -> Outcome:
        pipeline = Pipeline(
            inbox=Watched(self.inbox, watch),
            outbox=Watched(self.outbox, watch),
            hider=hider or Rewriter(),
            default_options=options or HideOptions(),
            max_bytes=MAX_BYTES,
            removes_originals=originals == "remove",
            clock=lambda: NOW,
        )
        return processing.process(key, pipeline, is_last=is_last)

    def out(self) -> dict[str, bytes]:
        return {info.key: self.outbox.get(info.key).data for info in self.outbox.list()}

    def receipt(self, key: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.outbox.get(key).data)
        return content

    def account(self) -> dict[str, object]:
        """Return all that is there, but for the names of versions."""
        files: dict[str, object] = {f"inbox {info.key}": None for info in self.inbox.list()}
        for key, data in self.out().items():
            files[key] = without_versions(json.loads(data)) if key.endswith(".json") else data
        return files


def without_versions(value: object) -> object:
    if isinstance(value, dict):
        return {k: without_versions(v) for k, v in value.items() if k != "version"}
    return value


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def place_with(content: bytes, key: str = KEY) -> Place:
    place = Place()
    place.inbox.put(key, content)
    return place


def at(number: int, calls: tuple[str, ...], do: Callable[[], object]) -> Callable[[str], None]:
    """Return what watches calls and does something before one of them, once."""
    count = itertools.count(1)

    def watch(call: str) -> None:
        if call in calls and next(count) == number:
            do()

    return watch


def kill() -> None:
    raise Killed


def assert_consistent(place: Place) -> None:
    """Check that each file has a receipt or a reason beside it, and that it is true."""
    out = place.out()
    for key, data in out.items():
        if key.endswith(".json"):
            continue
        if key.startswith("quarantine/files/"):
            content = place.receipt(key.replace("files", "reasons", 1) + ".json")
            assert content["source"]["sha256"] in (sha256(data), None)
        else:
            content = place.receipt(key + ".json")
            found = place.outbox.stat(key)
            assert found is not None
            assert content["output"]["version"] == found.version
            assert content["output"]["sha256"] == sha256(data)
            assert content["source"]["sha256"] == sha256(data.partition(b" ")[2])
    files = {key for key in out if not key.endswith(".json")}
    assert len(out) == 2 * len(files)


def assert_came_out(place: Place, content: bytes) -> None:
    assert list(place.inbox.list()) == []
    if content.startswith(b"bad"):
        assert place.out()[f"quarantine/files/{KEY}"] == content
    else:
        assert place.out()[KEY] == b"veil " + content
    assert_consistent(place)


def test_a_file_comes_out_under_its_key_with_a_receipt() -> None:
    place = place_with(GOOD)
    assert place.process() is Outcome.DEIDENTIFIED
    assert_came_out(place, GOOD)
    receipt = place.receipt(f"{KEY}.json")
    assert receipt["faces"] == 0
    assert receipt["boxes"] == []
    assert receipt["options"] == {"method": "veil", "min_face": 0, "draw": False}
    assert receipt["models"] == {"detector": "1"}
    assert receipt["source"]["sha256"] == sha256(GOOD)
    assert receipt["at"] == "2027-01-15T08:00:00.000+00:00"


def test_does_nothing_for_an_absent_file() -> None:
    place = Place()
    assert place.process() is Outcome.ABSENT
    assert place.out() == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CorruptImageError("the JPEG ends early"), "the JPEG ends early"),
        (TooManyPixelsError(), "it has more pixels than MAX_PIXELS"),
        (AnalysisTimeoutError(), "it took longer than ANALYSIS_TIMEOUT_S"),
        (GroupNotFoundError("crew"), "the tenant has no group of this name: crew"),
        (FaceNotFoundError("ann"), "the group has no such face: ann"),
        (
            UnknownModelError("old"),
            "the faces were enrolled by the model 'old', which is not here: enrol anew",
        ),
    ],
)
def test_quarantines_a_refused_file_with_the_reason(error: FaceError, reason: str) -> None:
    place = place_with(BAD)
    assert place.process(hider=Rewriter(error=error), originals="keep") is Outcome.QUARANTINED
    assert_came_out(place, BAD)
    content = place.receipt(f"quarantine/reasons/{KEY}.json")
    assert (content["key"], content["reason"], content["error"]) == (
        KEY,
        reason,
        type(error).__name__,
    )


def test_an_unexpected_error_quarantines_only_at_the_last_attempt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place, broken = place_with(BAD), Rewriter(error=ZeroDivisionError("bad pixels of Ann"))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            place.process(hider=broken)
        assert place.out() == {}
        assert place.inbox.get(KEY).data == BAD
    assert caplog.records == []  # whoever catches it logs it
    assert place.process(hider=broken, is_last=True) is Outcome.QUARANTINED
    assert_came_out(place, BAD)
    content = place.receipt(f"quarantine/reasons/{KEY}.json")
    assert content["reason"] == "it failed unexpectedly: ZeroDivisionError"
    assert content["error"] == "ZeroDivisionError"
    (line,) = caplog.records
    assert line.exc_info
    assert line.exc_info[0] is ZeroDivisionError


def test_an_unavailable_store_does_not_quarantine_at_the_last_attempt() -> None:
    place = place_with(BAD)
    with pytest.raises(StoreUnavailableError):
        place.process(hider=Rewriter(error=StoreUnavailableError()), is_last=True)
    assert place.out() == {}
    assert place.inbox.get(KEY).data == BAD


def test_a_large_file_is_quarantined_unread() -> None:
    content = b"x" * (MAX_BYTES + 1)
    place = place_with(content)
    calls: list[str] = []
    assert place.process(watch=calls.append) is Outcome.QUARANTINED
    assert "get" not in calls
    assert place.out()[f"quarantine/files/{KEY}"] == content
    reason = place.receipt(f"quarantine/reasons/{KEY}.json")
    assert reason["reason"] == "it has more bytes than UPLOAD_MAX_BYTES"
    assert reason["source"]["sha256"] is None


@pytest.mark.parametrize("key", ["quarantine/x.jpg", "quarantine", "a.json", "a" * 1020])
def test_quarantines_a_file_with_a_reserved_key(key: str) -> None:
    place = place_with(GOOD, key)
    assert place.process(key) is Outcome.QUARANTINED
    file_key, reason_key = processing.quarantine_keys(key, place.outbox)
    assert set(place.out()) == {file_key, reason_key}
    assert place.receipt(reason_key)["key"] == key
    assert place.receipt(reason_key)["reason"].startswith("key ")
    assert list(place.inbox.list()) == []


parts = st.sampled_from(
    ["quarantine", "files", "reasons", "hashed", "/", "a", ".json", "b" * 990, "c" * 10]
)


def names(key: str, outbox: Blobs) -> list[str]:
    """Return under which names what becomes of a key may lie."""
    names = list(processing.quarantine_keys(key, outbox))
    try:
        processing._check_name(key, outbox)
    except FaceError:
        return names
    return [*names, key, processing.receipt_key(key)]


@given(st.lists(st.lists(parts, min_size=1, max_size=7).map("".join), unique=True, max_size=40))
def test_no_two_files_ever_share_a_key(keys: list[str]) -> None:
    outbox = InMemoryBlobs()
    found = [name for key in keys for name in names(key, outbox)]
    assert len(found) == len(set(found))
    assert all(outbox.accepts(name) for name in found)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"options": '{"methods": "solid"}'}, "methods is not one of"),
        ({"options": "{"}, "options must be JSON"),
        ({"options": "[" * 50_000}, "options must be JSON"),
        ({"options": "[]"}, "options must be an object"),
        ({"unreadable": "x"}, "metadata cannot be read"),
    ],
)
def test_quarantines_a_file_with_wrong_options(metadata: dict[str, str], reason: str) -> None:
    place = place_with(GOOD)
    place.inbox.metadata[KEY] = metadata
    assert place.process() is Outcome.QUARANTINED
    assert reason in place.receipt(f"quarantine/reasons/{KEY}.json")["reason"]
    assert KEY not in place.out()


def test_an_upload_may_bring_its_options() -> None:
    place = place_with(GOOD)
    place.inbox.metadata[KEY] = {"options": '{"method": "solid"}', "by": "me"}
    place.process(options=HideOptions(method=HideMethod.BLUR))
    assert place.out()[KEY] == b"solid good"
    assert place.receipt(f"{KEY}.json")["options"]["method"] == "solid"


def test_does_not_repeat_finished_work() -> None:
    place = place_with(GOOD)
    assert place.process(originals="keep") is Outcome.DEIDENTIFIED
    before = {info.key: info for info in place.outbox.list()}
    assert place.process(originals="keep") is Outcome.DONE_BEFORE
    assert {info.key: info for info in place.outbox.list()} == before
    assert place.process() is Outcome.DONE_BEFORE
    assert place.process() is Outcome.ABSENT
    assert_came_out(place, GOOD)


def forget_output(place: Place) -> None:
    place.outbox.delete(KEY)


def change_output(place: Place) -> None:
    place.outbox.put(KEY, b"veil of somebody else")


def break_receipt(place: Place) -> None:
    place.outbox.put(f"{KEY}.json", b"[")


def replace_original(place: Place) -> None:
    place.inbox.put(KEY, OTHER)


@pytest.mark.parametrize("spoil", [forget_output, change_output, break_receipt, replace_original])
def test_repeats_work_that_does_not_match_its_receipt(spoil: Callable[[Place], None]) -> None:
    place = place_with(GOOD)
    place.process(originals="keep")
    spoil(place)
    content = place.inbox.get(KEY).data
    assert place.process() is Outcome.DEIDENTIFIED
    assert_came_out(place, content)


def test_repeats_work_for_other_models_or_options() -> None:
    place = place_with(GOOD)
    place.process(originals="keep")
    assert place.process(originals="keep", hider=Rewriter("2")) is Outcome.DEIDENTIFIED
    solid = HideOptions(method=HideMethod.SOLID)
    assert place.process(originals="keep", options=solid) is Outcome.DEIDENTIFIED
    assert place.out()[KEY] == b"solid good"


def test_a_good_file_leaves_the_quarantined_one_with_its_key() -> None:
    place = place_with(BAD)
    place.process()
    place.inbox.put(KEY, GOOD)
    place.process()
    assert_came_out(place, GOOD)
    assert_came_out(place, BAD)


CASES = {
    "good": (KEY, GOOD),
    "bad": (KEY, BAD),
    "large": (KEY, b"x" * (MAX_BYTES + 1)),
    "reserved": ("quarantine/a.jpg", GOOD),
}


@pytest.mark.parametrize("originals", ["remove", "keep"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("earlier", [None, GOOD, BAD])
def test_recovers_from_a_kill_at_any_write(
    case: str, originals: str, earlier: bytes | None
) -> None:
    key, content = CASES[case]

    def fresh() -> Place:
        place = Place()
        if earlier:
            place.inbox.put(key, earlier)
            place.process(key)
        place.inbox.put(key, content)
        return place

    undisturbed = fresh()
    undisturbed.process(key, originals=originals)
    for number in itertools.count(1):
        place = fresh()
        try:
            place.process(key, originals=originals, watch=at(number, WRITES, kill))
        except Killed:
            assert place.inbox.stat(key), "an original was removed before the work was done"
            place.process(key, originals=originals)
            assert place.account() == undisturbed.account()
        else:
            break
    assert number == (3 if originals == "keep" and case == "good" else 4)


def test_a_failing_store_is_tried_again_later() -> None:
    def fail() -> None:
        raise StoreUnavailableError

    for number in (1, 2, 3):
        place = place_with(GOOD)
        with pytest.raises(StoreUnavailableError):
            place.process(watch=at(number, WRITES, fail))
        place.process()
        assert_came_out(place, GOOD)


ALL = ("find", "get", *WRITES)
PAIRS = [(GOOD, OTHER), (GOOD, BAD), (BAD, GOOD), (BAD, WORSE), (GOOD, GOOD), (BAD, BAD)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_file_may_be_replaced_at_any_moment(first: bytes, second: bytes) -> None:
    for number in itertools.count(1):
        place = place_with(first)
        replaced: list[str] = []
        place.process(
            watch=at(number, ALL, lambda: replaced.append(place.inbox.put(KEY, second)))  # noqa: B023
        )
        if not replaced:
            break
        place.process()  # for the event of the second
        place.process()  # and of the first, late
        assert_came_out(place, second)
    assert number > 6


def test_a_file_may_be_replaced_at_any_moment_of_the_last_attempt() -> None:
    broken = Rewriter(error=ZeroDivisionError())
    for number in itertools.count(1):
        place = place_with(BAD)
        replaced: list[str] = []
        place.process(
            hider=broken,
            watch=at(number, ALL, lambda: replaced.append(place.inbox.put(KEY, GOOD))),  # noqa: B023
            is_last=True,
        )
        if not replaced:
            break
        place.process()
        assert_came_out(place, GOOD)
    assert number > 6


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_another_worker_may_do_everything_at_any_moment(first: bytes, second: bytes) -> None:
    for number in itertools.count(1):
        place = place_with(first)
        done: list[Outcome] = []

        def replace_and_process() -> None:
            place.inbox.put(KEY, second)  # noqa: B023
            done.append(place.process())  # noqa: B023

        place.process(watch=at(number, ALL, replace_and_process))
        if not done:
            break
        assert_came_out(place, second)
    assert number > 6


class Worker:
    """Processes the key in its own thread, a given number of calls at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._is_at_call = threading.Semaphore(0)
        self._may_go_on = threading.Semaphore(0)
        self._is_done = False
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def advance(self, calls: int) -> None:
        for _ in range(calls):
            self._is_at_call.acquire()
            if self._is_done:
                self._is_at_call.release()
                return
            self._may_go_on.release()

    def finish(self) -> None:
        while not self._is_done:
            self.advance(1)
        self._thread.join()

    def wait_for_call(self) -> None:
        """Wait until what was begun has ended."""
        self._is_at_call.acquire()
        self._is_at_call.release()

    def _run(self) -> None:
        try:
            self._place.process(watch=self._watch)
        except Exception as error:  # noqa: BLE001 - it is looked at by who began the work
            self.error = error
        self._is_done = True
        self._is_at_call.release()

    def _watch(self, call: str) -> None:
        self._is_at_call.release()
        self._may_go_on.acquire()


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_workers_may_take_turns_in_any_order(first: bytes, second: bytes) -> None:
    """One does some calls, the file is replaced, the other does some, and both go on."""
    for one_calls, other_calls in itertools.product(range(10), range(10)):
        place = place_with(first)
        one = Worker(place)
        one.advance(one_calls)
        one.wait_for_call()
        place.inbox.put(KEY, second)
        other = Worker(place)
        other.advance(other_calls)
        other.wait_for_call()
        one.finish()
        other.finish()
        for error in (one.error, other.error):
            assert error is None or isinstance(error, BlobChangedError)
            if error:  # only a failed upload is reported again
                place.process()
        assert_came_out(place, second)


def test_gives_up_on_a_file_that_keeps_changing_and_loses_nothing() -> None:
    place = place_with(BAD)
    numbers = itertools.count()

    def change(call: str) -> None:
        if call == "copy":
            place.inbox.put(KEY, b"bad %d" % next(numbers))

    with pytest.raises(BlobChangedError):
        place.process(watch=change)
    assert place.inbox.get(KEY).data == b"bad 2"
    assert place.process() is Outcome.QUARANTINED
    assert_came_out(place, b"bad 2")
