"""Access to FaceDeID: keys, addresses, quotas, and the wording of each refusal."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.etri import face_deid, unknown_path
from harness import builders, photos
from harness.in_memory import InMemoryDistinctTracker, InMemoryKeys, InMemoryUsage
from harness.processes import TIMEOUT_S
from shared.app import App
from shared.core.errors import StoreUnavailableError
from shared.core.metering import access
from shared.core.metering.models import Admission, ApiKey, DistinctLimit, KeyStatus, Limits, Rate
from shared.core.metering.network import parse_network
from shared.core.metering.ports import Usage

NOON = datetime(2026, 1, 31, 3, tzinfo=UTC).timestamp()  # in Korea
MIDNIGHT = datetime(2026, 1, 31, 15, tzinfo=UTC).timestamp()  # in Korea: February begins
NEW_YEAR = datetime(2026, 12, 31, 15, tzinfo=UTC).timestamp()  # in Korea: 2027 begins
HERE = "203.0.113.9"
ANALYSED = "This file is not allowed file type"


class Gateway:
    """A deployment with a key, a clock and a caller of it."""

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        *,
        detector: object = None,
        usage: Usage | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.now = NOON
        self.keys = InMemoryKeys()
        self.usage = usage or InMemoryUsage()
        self.app = builders.app_with(
            builders.settings(folder, **environ or {}),
            keys=self.keys,
            usage=self.usage,
            distinct_tracker=InMemoryDistinctTracker(),
            clock=lambda: self.now,
            detector=detector,
        )
        self.key = self.add_key(builders.KEY, limits or Limits())

    def add_key(self, text: str, limits: Limits) -> ApiKey:
        key = access.new_key(text, name=text, tenant="t", secret=builders.SECRET, limits=limits)
        self.keys.put(key)
        return key

    def change(self, **changes: Any) -> None:
        self.key = replace(self.key, **changes)
        self.keys.put(self.key)

    def post(
        self,
        image: bytes = b"no image",
        *,
        key: str = builders.KEY,
        ip: str = HERE,
        forwarded_for: str = "",
    ) -> dict[str, Any]:
        headers = {"authorization": key, "x-forwarded-for": forwarded_for}
        body = builders.deid_body(image)
        event = builders.event(body=body, headers=headers, source_ip=ip)
        return face_deid.handler(event, None, self.app)

    def outcome(self, **call: Any) -> str:
        """Make a call; return the reason why it was refused, or the error of its analysis."""
        return reason(self.post(**call))

    def used_today(self) -> int:
        return self.usage.counts(self.key.id).get("2026-01-31", 0)


def reason(reply: dict[str, Any]) -> str:
    answer = builders.answer(reply)
    if answer["result"] == -1:
        return str(answer["reason"])
    return str(answer["return_object"].get("error", "ok"))


@pytest.fixture(params=["header", "bearer", "body"])
def key_form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_checks_run_in_order(tmp_path: Path, key_form: str) -> None:
    everything_wrong = Limits(
        daily=0,
        monthly=0,
        yearly=0,
        networks=(parse_network("10.0.0.0/8"),),
        paths=("/elsewhere",),
        addresses=DistinctLimit(1, 60),
        in_flight=1,
    )
    gateway = Gateway(
        tmp_path, everything_wrong, environ={"MAX_KEYS_PER_IP": "1", "MAX_BODY_BYTES": "1024"}
    )
    gateway.change(status=KeyStatus.BLOCKED)
    other_key = gateway.add_key("other", Limits())
    tracker = gateway.app.distinct_tracker
    one = DistinctLimit(1, 10**9)
    tracker.note(f"address {HERE}", other_key.id, limit=one, now=NOON)
    tracker.note(access.addresses_of(gateway.key.id), "10.0.0.1", limit=one, now=NOON)
    in_flight = gateway.usage.admit(
        gateway.key.id, replace(everything_wrong, daily=None, monthly=None, yearly=None),
        now=NOON, lease_s=90,
    )  # fmt: skip

    def outcome(text: str | None, padding: int = 0) -> tuple[int, str]:
        body = {**builders.deid_body(b"no image"), "padding": "x" * padding}
        headers = {}
        if text is not None and key_form == "body":
            body["access_key"] = text
        elif text is not None:
            headers["authorization"] = text if key_form == "header" else f"Bearer {text}"
        reply = face_deid.handler(builders.event(body=body, headers=headers), None, gateway.app)
        return reply["statusCode"], reason(reply)

    def relax(**limits: Any) -> None:
        assert gateway.key.limits is not None
        gateway.change(limits=replace(gateway.key.limits, **limits))

    assert outcome(None, padding=1024) == (413, "Body Size Limit Exceeded")
    assert outcome(None) == (403, "Empty Auth Header")
    assert outcome("unknown") == (403, "Invalid Key KEY")
    assert outcome(builders.KEY) == (403, "Blocked KEY")
    gateway.change(status=KeyStatus.ACTIVE)
    assert outcome(builders.KEY) == (403, "Not Allowed IP")
    relax(networks=())
    assert outcome(builders.KEY) == (403, "Too Many Keys")
    tracker.forget(f"address {HERE}")
    assert outcome(builders.KEY) == (403, "Too Many IPs")
    relax(addresses=None)
    assert outcome(builders.KEY) == (403, "Not Allowed Subpath")
    relax(paths=("/FaceDeID",))
    assert outcome(builders.KEY) == (429, "Concurrent Limit Exceeded")
    gateway.usage.settle(in_flight, refund=True)
    assert outcome(builders.KEY) == (403, "Daily Limit Exceeded")
    relax(daily=1)
    assert outcome(builders.KEY) == (403, "Monthly Limit Exceeded")
    relax(monthly=1)
    assert outcome(builders.KEY) == (403, "Yearly Limit Exceeded")
    relax(yearly=1)
    assert gateway.used_today() == 0
    assert outcome(builders.KEY) == (200, ANALYSED)
    assert gateway.used_today() == 1


def test_an_unknown_path_is_refused_after_the_address_check_and_is_not_counted(
    tmp_path: Path,
) -> None:
    gateway = Gateway(
        tmp_path, Limits(daily=0, in_flight=1, networks=(parse_network(f"{HERE}/32"),))
    )
    for path, expected in [("/x", "Invalid API"), ("/FaceDeID/x", "Not Allowed Subpath")]:
        event = builders.event(path=path, route="$default")
        reply = unknown_path.handler(event, None, gateway.app)
        assert reason(reply) == expected
        assert "X-RateLimit-Limit" not in reply["headers"]
        event = builders.event(path=path, route="$default", source_ip="192.0.2.1")
        assert reason(unknown_path.handler(event, None, gateway.app)) == "Not Allowed IP"
    assert gateway.used_today() == 0


def test_a_key_has_five_thousand_calls_a_day_by_default(
    tmp_path: Path,
) -> None:
    headers = Gateway(tmp_path).post()["headers"]
    assert headers["X-RateLimit-Limit"] == "5000"
    assert headers["X-RateLimit-Remaining"] == "4999"


@pytest.mark.parametrize(
    ("limits", "turn", "expected"),
    [
        (Limits(daily=2), MIDNIGHT, "Daily Limit Exceeded"),
        (Limits(monthly=2), MIDNIGHT, "Monthly Limit Exceeded"),
        (Limits(yearly=2), NEW_YEAR, "Yearly Limit Exceeded"),
    ],
)
def test_a_quota_resets_at_midnight_in_korea(
    tmp_path: Path, limits: Limits, turn: float, expected: str
) -> None:
    gateway = Gateway(tmp_path, limits)
    gateway.now = turn - 1
    assert [gateway.outcome() for _ in range(3)] == [ANALYSED, ANALYSED, expected]
    gateway.now = turn
    assert [gateway.outcome() for _ in range(3)] == [ANALYSED, ANALYSED, expected]


def test_headers_say_how_many_calls_are_left_and_until_when(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, Limits(daily=2))
    gateway.now = MIDNIGHT - 90.5
    for remaining in ("1", "0", "0"):
        headers = gateway.post()["headers"]
        assert headers["X-RateLimit-Limit"] == "2"
        assert headers["X-RateLimit-Remaining"] == remaining
        assert headers["X-RateLimit-Reset"] == "91"
    gateway.now = MIDNIGHT
    assert gateway.post()["headers"]["X-RateLimit-Remaining"] == "1"
    assert gateway.post()["headers"]["X-RateLimit-Reset"] == "86400"


def test_a_key_without_a_daily_quota_gets_no_quota_headers(tmp_path: Path) -> None:
    headers = Gateway(tmp_path, Limits(daily=None)).post()["headers"]
    assert not any(name.startswith("X-RateLimit") for name in headers)


class Detector:
    """Finds no face; a test can make it wait or fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.entered = threading.Semaphore(0)
        self.may_leave = threading.Event()
        self.may_leave.set()

    def detect(self, *_: object, **__: object) -> tuple[()]:
        self.entered.release()
        self.may_leave.wait(TIMEOUT_S)
        if self.error:
            raise self.error
        return ()


@pytest.mark.parametrize(
    ("image", "status", "outcome"),
    [
        (photos.astronaut_jpeg(), 200, "This file has no faces"),
        (b"no image", 200, "This file is not allowed file type"),
        (photos.astronaut_jpeg()[:9000], 200, "This file is not image contents"),
    ],
    ids=["no faces", "no image", "half an image"],
)
def test_a_call_that_reached_the_analysis_counts(
    tmp_path: Path, image: bytes, status: int, outcome: str
) -> None:
    gateway = Gateway(tmp_path, detector=Detector())
    reply = gateway.post(image)
    assert (reply["statusCode"], reason(reply)) == (status, outcome)
    assert gateway.used_today() == 1


@pytest.mark.parametrize(
    ("environ", "error", "expected"),
    [
        ({"MAX_PIXELS": "1000"}, None, (413, "Body Size Limit Exceeded")),
        ({"ANALYSIS_TIMEOUT_S": "0.0001"}, None, (408, "Request Timeout")),
        ({}, RuntimeError("a fault"), (500, "Internal Server Error")),
        ({}, StoreUnavailableError(), (500, "Internal Server Error")),
    ],
)
def test_a_call_that_failed_does_not_count(
    tmp_path: Path, environ: dict[str, str], error: Exception | None, expected: tuple[int, str]
) -> None:
    gateway = Gateway(tmp_path, Limits(daily=1), detector=Detector(error), environ=environ)
    for _ in range(2):
        reply = gateway.post(photos.astronaut_jpeg())
        assert (reply["statusCode"], reason(reply)) == expected
        assert reply["headers"]["X-RateLimit-Remaining"] == "1"
    assert gateway.used_today() == 0


class Stopped:
    def detect(self, *_: object, **__: object) -> tuple[()]:
        raise SystemExit


def test_a_call_is_refunded_when_its_worker_is_stopped(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, Limits(in_flight=1), detector=Stopped())
    with pytest.raises(SystemExit):
        gateway.post(photos.astronaut_jpeg())
    assert gateway.used_today() == 0
    assert gateway.outcome() == ANALYSED


def test_a_call_over_midnight_counts_on_the_day_it_began(tmp_path: Path) -> None:
    detector = Detector()
    gateway = Gateway(tmp_path, Limits(daily=1), detector=detector)
    detector.may_leave.clear()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(gateway.outcome, image=photos.astronaut_jpeg())
        detector.entered.acquire()
        gateway.now = MIDNIGHT + 1
        detector.may_leave.set()
        assert call.result() == "This file has no faces"
    assert gateway.outcome() == ANALYSED
    assert gateway.usage.counts(gateway.key.id) == {
        "2026-01-31": 1, "2026-01": 1, "2026-02-01": 1, "2026-02": 1, "2026": 2,
    }  # fmt: skip


def test_refuses_calls_over_the_limit_in_flight(tmp_path: Path) -> None:
    detector = Detector()
    gateway = Gateway(tmp_path, Limits(in_flight=2), detector=detector)
    detector.may_leave.clear()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(gateway.outcome, image=photos.astronaut_jpeg()) for _ in range(2)]
        for _ in calls:
            detector.entered.acquire()
        refused = gateway.post()
        detector.may_leave.set()
        assert [call.result() for call in calls] == ["This file has no faces"] * 2
    assert (refused["statusCode"], reason(refused)) == (429, "Concurrent Limit Exceeded")
    assert refused["headers"]["X-RateLimit-Remaining"] == "4998"
    assert gateway.outcome() == ANALYSED
    assert gateway.used_today() == 3


def test_a_burst_over_the_rate_is_refused(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, Limits(rate=Rate(2, burst=3)))
    outcomes = [gateway.outcome() for _ in range(4)]
    assert outcomes == [ANALYSED] * 3 + ["Concurrent Limit Exceeded"]
    gateway.now += 0.5
    assert gateway.outcome() == ANALYSED
    assert gateway.used_today() == 4


def test_refuses_a_key_from_too_many_addresses(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, Limits(addresses=DistinctLimit(2, 3600)))
    outcomes = [gateway.outcome(ip=f"192.0.2.{last}") for last in (1, 2, 3, 1)]
    assert outcomes == [ANALYSED, ANALYSED, "Too Many IPs", ANALYSED]
    gateway.now += 3600
    assert gateway.outcome(ip="192.0.2.3") == ANALYSED


def test_refuses_an_address_with_too_many_keys(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, environ={"MAX_KEYS_PER_IP": "1", "KEYS_PER_IP_WINDOW_S": "60"})
    gateway.add_key("other", Limits())
    assert gateway.outcome() == ANALYSED
    assert gateway.outcome(key="other") == "Too Many Keys"
    assert gateway.outcome(key="unknown") == "Invalid Key KEY"
    assert gateway.outcome(key="other", ip="192.0.2.7") == ANALYSED
    gateway.now += 60
    assert gateway.outcome(key="other") == ANALYSED


@pytest.mark.parametrize(
    ("ip", "forwarded_for", "is_let_in"),
    [
        ("203.0.113.5", "", True),
        ("::ffff:203.0.113.5", "", True),
        ("192.0.2.1", "203.0.113.5", False),  # a stranger says so
        ("10.0.0.1", "203.0.113.5", True),
        ("::ffff:10.0.0.1", "203.0.113.5", True),
        ("10.0.0.1", "203.0.113.5, 192.0.2.1", False),  # the stranger said so to the proxy
        ("10.0.0.1", "192.0.2.1, 203.0.113.5, 10.0.0.2", True),
        ("10.0.0.1", "", False),
        ("10.0.0.1", "203.0.113.5, garbage", False),
        ("2001:db8::5", "", True),
        ("2001:db9::5", "2001:db8::5", False),
        ("10.0.0.1", "[2001:db8::5]:1234", True),
        ("", "203.0.113.5", False),
    ],
)
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    tmp_path: Path, ip: str, forwarded_for: str, is_let_in: bool
) -> None:
    networks = (parse_network("203.0.113.0/24"), parse_network("2001:db8::/32"))
    gateway = Gateway(
        tmp_path, Limits(networks=networks), environ={"TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8"}
    )
    expected = ANALYSED if is_let_in else "Not Allowed IP"
    assert gateway.outcome(ip=ip, forwarded_for=forwarded_for) == expected


class Unsettled(InMemoryUsage):
    """Loses its connection when a call ends."""

    def settle(self, admission: Admission, *, refund: bool) -> None:
        raise StoreUnavailableError


def test_answers_even_if_the_call_cannot_be_settled(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, Limits(in_flight=1), usage=Unsettled())
    assert gateway.outcome() == ANALYSED


@pytest.fixture
def stored(tmp_path: Path) -> App:
    """A deployment on SQLite whose key may make 10 calls a day."""
    keys = InMemoryKeys()
    key = access.new_key(
        builders.KEY, name="n", tenant="t", secret=builders.SECRET, limits=Limits(daily=10)
    )
    keys.put(key)
    return builders.app_with(builders.settings(tmp_path), keys=keys)


def test_serves_ten_of_forty_concurrent_calls(stored: App) -> None:
    event = builders.event(body=builders.deid_body(b"no image"))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: face_deid.handler(event, None, stored), range(40)))
    assert sorted(map(reason, replies)) == ["Daily Limit Exceeded"] * 30 + [ANALYSED] * 10
    left = [r["headers"]["X-RateLimit-Remaining"] for r in replies if r["statusCode"] == 200]
    assert sorted(map(int, left)) == list(range(10))


def test_an_answer_too_large_to_send_is_refused_and_not_counted(app: App, tmp_path: Path) -> None:
    environ = {"MAX_ANSWER_BYTES": "20000"}
    gateway = Gateway(tmp_path, detector=app.detector, environ=environ)
    event = builders.event(body=builders.deid_body(photos.astronaut_jpeg()))
    reply = face_deid.handler(event, None, gateway.app)
    assert reply["statusCode"] == 413
    assert builders.answer(reply)["reason"] == "Body Size Limit Exceeded"
    assert reply["headers"]["X-RateLimit-Remaining"] == "5000"
    assert set(gateway.app.usage.counts(gateway.key.id).values()) <= {0}
