"""The first command of README.md, as a newcomer pastes it."""

import subprocess
from pathlib import Path

import cv2
import numpy as np

from harness.server import running
from shared.config import ROOT
from tests.markdown import Page


def test_the_command_of_the_readme_hides_the_face(tmp_path: Path) -> None:
    (command,) = [block for block in Page.read(ROOT / "README.md").blocks if "curl" in block]
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    with running("run", tmp_path) as server:
        pasted = command.replace("http://127.0.0.1:3000", server.url)
        subprocess.run(["/bin/sh", "-c", pasted], cwd=tmp_path, check=True)
    before, after = (
        np.asarray(cv2.imread(str(path)), dtype=int)
        for path in (ROOT / "docs" / "images" / "veil.jpg", tmp_path / "hidden.jpg")
    )
    assert after.shape == before.shape
    left, right = np.array_split(np.abs(after - before).mean(axis=(0, 2)), 2)
    assert left.max() > 20  # the face in the left half is hidden
    assert right.max() < 5  # the right half, where it was hidden already, stays
