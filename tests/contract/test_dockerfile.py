"""The Dockerfile agrees with the repository. It is read here, not built: there is no Docker."""

import re
import subprocess
import sys
import types

import pytest

from shared.config import ROOT
from shared.vision.weights import published
from tests.nonempty import nonempty

pytestmark = pytest.mark.integration  # it starts processes

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_copies_only_paths_that_exist() -> None:
    for line in nonempty(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)):
        for source in nonempty(line.split()):
            assert (ROOT / source).exists(), source


def test_the_image_contains_the_licences_of_its_weights() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {"LICENSE", "NOTICE", "licences"} <= {path for line in copied for path in line.split()}
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for weights in nonempty(published().models.values()):
        assert weights.file in notice
        assert weights.origin in notice
    named = set(re.findall(r"licences/(\S+\.txt)", notice))
    assert named == {path.name for path in (ROOT / "licences").iterdir()}


def test_what_it_compiles_is_there_to_be_compiled() -> None:
    (code,) = re.findall(r'^RUN NUMBA_CACHE_DIR=\S+ python -c "(.+)"', DOCKERFILE, re.MULTILINE)
    module = types.ModuleType("compiled")
    exec(code, vars(module))  # noqa: S102 - a line of this repository


def test_its_commands_accept_their_options() -> None:
    (command,) = re.findall(r"^RUN python -m (tools\.models .+)$", DOCKERFILE, re.MULTILINE)
    words = command.split()
    assert words[-1] == "fetch"
    done = subprocess.run(
        [sys.executable, "-m", *words[:-1], "list"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_numba_caches_in_a_folder_that_is_writable_in_lambda() -> None:
    assert "NUMBA_CACHE_DIR=/tmp/" in DOCKERFILE
    (entry_point,) = re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)
    assert "cp -r /opt/numba $NUMBA_CACHE_DIR" in entry_point


def test_a_base_without_cuda_comes_with_the_cpu_onnxruntime() -> None:
    """A build has no GPU driver to look for, so the runtime is given together with the base."""
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
