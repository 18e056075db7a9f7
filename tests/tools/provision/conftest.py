"""A stand-in for AWS in this process."""

from collections.abc import Iterator
from functools import cache

import pytest
from moto import mock_aws

from tools.provision.endpoint import Endpoint


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """An empty account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield _endpoint()


@cache
def _endpoint() -> Endpoint:
    """Return the same clients to all tests: to make them takes longer than a test."""
    return Endpoint(region="ap-northeast-2")
