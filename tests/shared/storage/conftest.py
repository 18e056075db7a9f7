"""The stores that have one contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import InMemoryFaces, InMemoryGroups
from tests.shared.storage.aws.dynamo import Dynamo, running
from tests.shared.storage.stores import Store, sqlite_store


@pytest.fixture(scope="module")
def dynamo() -> Iterator[Dynamo]:
    """A DynamoDB for a whole module, because it takes longer to start than a test."""
    with running() as dynamo:
        yield dynamo


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "fake":
        groups = InMemoryGroups()
        return Store(groups, InMemoryFaces(groups))
    if request.param == "sqlite":
        return sqlite_store(tmp_path)
    dynamo: Dynamo = request.getfixturevalue("dynamo")
    dynamo.clear()
    return dynamo.store
