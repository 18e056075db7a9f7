"""Access to WithMind's API: keys and quotas."""

from pathlib import Path

import pytest

from harness import builders
from harness.in_memory import InMemoryDistinctTracker, InMemoryKeys, InMemoryUsage
from shared.core.metering import access
from shared.core.metering.models import Limits
from shared.core.metering.network import parse_network
from tests.functions.withmind.client import ANALYSE, ENROL, WithmindClient

FAIL = b'{"result":"Fail"}'
SMALL = b"not within 300 to 500 KB"


class Deployment:
    """An App with a key."""

    def __init__(self, folder: Path, limits: Limits, **environ: str) -> None:
        self.usage = InMemoryUsage()
        self.key = access.new_key(
            builders.KEY, name="n", tenant="t", secret=builders.SECRET, limits=limits
        )
        keys = InMemoryKeys()
        keys.put(self.key)
        self.app = builders.app_with(
            builders.settings(folder, **environ),
            keys=keys,
            usage=self.usage,
            distinct_tracker=InMemoryDistinctTracker(),
        )


@pytest.mark.parametrize("path", [ENROL, ANALYSE])
@pytest.mark.parametrize(
    "limits", [Limits(daily=0), Limits(in_flight=0), Limits(networks=(parse_network("::/128"),))]
)
def test_every_refusal_is_the_guides_fail(tmp_path: Path, path: str, limits: Limits) -> None:
    client = WithmindClient(Deployment(tmp_path, limits).app, builders.KEY)
    assert client.answer(path, SMALL) == FAIL


def test_a_call_that_failed_does_not_count(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, Limits(daily=1))
    client = WithmindClient(deployment.app, builders.KEY)
    for _ in range(2):
        reply = client.call(ANALYSE, SMALL)
        assert b"img_size_err" in reply.data
        assert reply.headers["X-RateLimit-Remaining"] == "1"
    assert max(deployment.usage.counts(deployment.key.id).values()) == 0


def test_callers_without_a_key_are_not_counted(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, Limits(daily=0), WITHMIND_REQUIRE_KEY="off")
    reply = WithmindClient(deployment.app).call(ANALYSE, SMALL)
    assert b"img_size_err" in reply.data
    assert "X-RateLimit-Limit" not in reply.headers
    assert deployment.usage.counts(deployment.key.id) == {}
