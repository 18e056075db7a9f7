"""The Dockerfile names what is there; it cannot be built without Docker, but it can be read."""

import re
import subprocess
import sys
import types

import pytest

from shared.config import ROOT
from shared.vision.weights import published

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_path_that_it_copies_exists() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source


def test_the_image_carries_the_licences_of_the_weights_in_it() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {"LICENSE", "NOTICE", "licences"} <= {path for line in copied for path in line.split()}
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for weights in published().models.values():
        assert weights.file in notice
        assert weights.origin in notice
    named = set(re.findall(r"licences/(\S+\.txt)", notice))
    assert named == {path.name for path in (ROOT / "licences").iterdir()}


@pytest.mark.timeout(900)
def test_what_it_compiles_is_there_to_be_compiled() -> None:
    (code,) = re.findall(r'^RUN NUMBA_CACHE_DIR=\S+ python -c "(.+)"', DOCKERFILE, re.MULTILINE)
    module = types.ModuleType("compiled")
    exec(code, vars(module))  # noqa: S102 - a line of this repository


def test_its_commands_take_the_options_they_are_given() -> None:
    (command,) = re.findall(r"^RUN python -m (tools\.models .+)$", DOCKERFILE, re.MULTILINE)
    words = command.split()
    assert words[-1] == "fetch"
    done = subprocess.run(
        [sys.executable, "-m", *words[:-1], "list"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_numba_is_given_a_folder_that_lambda_lets_it_write_to() -> None:
    assert "NUMBA_CACHE_DIR=/tmp/" in DOCKERFILE
    (entry_point,) = re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)
    assert "cp -r /opt/numba $NUMBA_CACHE_DIR" in entry_point


def test_a_base_without_cuda_goes_with_the_onnxruntime_for_cpus() -> None:
    """There is no driver where images are built, so whoever names the base says it."""
    assert re.search(r"^ARG BASE=nvidia/cuda:.+\nARG RUNTIME=gpu$", DOCKERFILE, re.MULTILINE)
    assert "tools/requirements.py --runtime ${RUNTIME} requirements.txt" in DOCKERFILE
    named = [
        line
        for file in ("Dockerfile", "template.yaml", "docs/operations.md")
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if re.search(r"BASE(=|: \")python", line)
    ]
    assert len(named) == 3
    assert all(re.search(r"\bRUNTIME(=|: )cpu\b", line) for line in named)
