import hashlib
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from shared.vision.weights import Weights
from tools.models import prepared
from tools.models.prepared import State

CONTENT = b"a model"
WEIGHTS = Weights(
    name="m",
    file="m.onnx",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    version="m-1",
    licence="MIT",
    origin="https://example.org",
    embedder=None,
)


def test_distinguishes_ready_missing_and_different_files(tmp_path: Path) -> None:
    assert prepared.state_of(WEIGHTS, tmp_path) is State.MISSING

    prepared.write(tmp_path / WEIGHTS.file, CONTENT)

    assert prepared.state_of(WEIGHTS, tmp_path) is State.READY
    assert prepared.state_of(replace(WEIGHTS, sha256="0" * 64), tmp_path) is State.DIFFERENT


def test_creates_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "m.onnx"

    prepared.write(path, CONTENT)

    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    taken = tmp_path / "m.onnx"
    taken.mkdir()

    with pytest.raises(OSError, match=r"m\.onnx"):
        prepared.write(taken, CONTENT)

    assert list(tmp_path.iterdir()) == [taken]


def test_a_reader_never_sees_an_incomplete_file(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    contents = [bytes([number]) * 2_000_000 for number in range(30)]
    prepared.write(path, contents[0])

    def rewrite() -> None:
        for each in contents:
            prepared.write(path, each)

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(path.read_bytes())
    writer.join()

    assert seen
    assert all(each in contents for each in seen)
    assert path.read_bytes() == contents[-1]


def test_the_mode_of_a_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        prepared.write(tmp_path / "m.onnx", CONTENT)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "m.onnx").stat().st_mode) == 0o644
