"""Manifests, and when a snapshot is due."""

import pytest

from shared.core.recognition.models import Manifest
from shared.core.recognition.snapshots import is_due


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest("v", 7, 3)
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"7", b'{"version": "v"}', b"\xff",
     b'{"version": 1, "last_change": 1, "faces": 1}',
     b'{"version": "v", "last_change": true, "faces": 1}',
     b'{"version": "v", "last_change": 1, "faces": "1"}',
     b'{"version": "v", "last_change": 1, "faces": 1, "more": 1}'],
)  # fmt: skip
def test_refuses_data_that_is_not_a_manifest(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"manifest|JSON|line|decode"):
        Manifest.from_json(data)


@pytest.mark.parametrize(
    ("faces", "changes", "expected"),
    [(0, 1000, True), (5000, 999, False), (100_000, 9_999, False), (100_000, 10_000, True)],
)
def test_a_snapshot_is_due_after_a_tenth_of_the_faces_has_changed(
    faces: int, changes: int, expected: bool
) -> None:
    assert is_due(faces, changes) is expected
