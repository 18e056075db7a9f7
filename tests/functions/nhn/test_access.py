"""Access to NHN's API: keys, quotas, and the wording of each refusal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import builders, photos
from harness.in_memory import InMemoryDistinctTracker, InMemoryKeys, InMemoryUsage
from shared.core.metering import access
from shared.core.metering.models import ApiKey, DistinctLimit, KeyStatus, Limits, Rate
from shared.core.metering.network import parse_network
from tests.functions.nhn.client import NhnClient, image


class NoFaces:
    """Finds no face."""

    def detect(self, *_: object, **__: object) -> tuple[()]:
        return ()


class Untouched:
    """A port that the calls of these tests never use."""

    def get(self, _model_version: str) -> None:
        """Return nothing to work with."""


class Deployment:
    """An App with a key, and a caller of it."""

    def __init__(self, folder: Path, limits: Limits, **changes: Any) -> None:
        self.usage = InMemoryUsage()
        self.key: ApiKey = replace(
            access.new_key(
                builders.KEY, name="n", tenant="t", secret=builders.SECRET, limits=limits
            ),
            **changes,
        )
        keys = InMemoryKeys()
        keys.put(self.key)
        self.app = builders.app_with(
            builders.settings(folder),
            keys=keys,
            usage=self.usage,
            distinct_tracker=InMemoryDistinctTracker(),
            detector=NoFaces(),
            poses=Untouched(),
            recognizers=Untouched(),
        )
        self.client = NhnClient(self.app, builders.KEY)

    def calls(self) -> int:
        return max(self.usage.counts(self.key.id).values(), default=0)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(networks=(parse_network("203.0.113.0/24"),)), "NotAllowedIP"),
        (Limits(paths=("/FaceDeID",)), "NotAllowedSubpath"),
        (Limits(addresses=DistinctLimit(0, 60)), "TooManyIPs"),
        (Limits(in_flight=0), "ConcurrentLimitExceeded"),
        (Limits(daily=0), "DailyLimitExceeded"),
        (Limits(monthly=0), "MonthlyLimitExceeded"),
        (Limits(yearly=0), "YearlyLimitExceeded"),
    ],
)
def test_every_refusal_is_one_code_and_a_header_says_why(
    tmp_path: Path, limits: Limits, reason: str
) -> None:
    deployment = Deployment(tmp_path, limits)
    reply = deployment.client.call("GET", "/groups?limit=10")
    assert reply.status_code == 200
    assert reply.json["header"] == {
        "resultCode": -41000,
        "resultMessage": "UnauthorizedAppKey",
        "isSuccessful": False,
    }
    assert reply.headers["X-Face-Reason"] == reason
    assert deployment.calls() == 0


def test_a_blocked_key_gets_the_reason(tmp_path: Path) -> None:
    reply = Deployment(tmp_path, Limits(), status=KeyStatus.BLOCKED).client.call("GET", "/groups")
    assert reply.headers["X-Face-Reason"] == "BlockedKey"


def test_an_unknown_key_gets_no_reason(tmp_path: Path) -> None:
    reply = NhnClient(Deployment(tmp_path, Limits()).app, "unknown").call("GET", "/groups")
    assert reply.json["header"]["resultCode"] == -41000
    assert "X-Face-Reason" not in reply.headers


def test_a_burst_over_the_rate_is_refused(tmp_path: Path) -> None:
    client = Deployment(tmp_path, Limits(rate=Rate(0.001, burst=2))).client
    assert [client.code("GET", "/groups?limit=1") for _ in range(3)] == [0, 0, -41000]


def test_every_operation_that_succeeds_counts(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, Limits(daily=4))
    client = deployment.client
    client.create_group()
    client.data("GET", "/groups?limit=1")
    client.data("GET", "/groups/people")
    assert deployment.calls() == 3
    reply = client.call("DELETE", "/groups/people")
    assert reply.headers["X-RateLimit-Remaining"] == "0"
    assert client.code("GET", "/groups?limit=1") == -41000


def test_an_operation_that_fails_does_not_count(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, Limits(daily=1))
    client = deployment.client
    assert client.code("GET", "/groups/nobody") == -40030
    assert client.code("GET", "/groups?limit=0") == -40000
    assert client.code("POST", "/detect", {"image": {"bytes": "aGVsbG8="}}) == -45040
    assert deployment.calls() == 0


def test_an_analysis_that_found_no_face_counts(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, Limits(daily=1))
    photo = image(photos.astronaut_jpeg())
    body = {"sourceImage": photo, "targetImage": photo}
    reply = deployment.client.call("POST", "/compare?threshold=80", body)
    assert reply.json["header"]["resultCode"] == -40000
    assert reply.headers["X-Face-Reason"] == "NoFace"
    assert deployment.calls() == 1


def test_an_unknown_path_does_not_count(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, Limits(daily=0))
    assert deployment.client.call("GET", "/nothing").status_code == 404
    assert deployment.calls() == 0
