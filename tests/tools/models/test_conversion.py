"""The bytes of the prepared files, which must not depend on the machine."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config import ROOT
from shared.vision import weights
from tools.models import packages

DIGESTS = {name: weights.published().models[name].sha256 for name in packages.sources()}

IN_ANOTHER_PROCESS = """
import hashlib, pathlib, sys
from google.protobuf.internal import api_implementation
from tools.models.conversion import convert

assert api_implementation.Type() == "python"
published = pathlib.Path(sys.argv[2]).read_bytes()
print(hashlib.sha256(convert(sys.argv[1], published)).hexdigest())
"""


@pytest.mark.parametrize("name", list(DIGESTS))
def test_conversion_produces_the_digest_of_the_catalogue(
    name: str, converted: dict[str, bytes]
) -> None:
    assert hashlib.sha256(converted[name]).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("name", list(DIGESTS))
def test_another_implementation_of_protobuf_produces_the_same_bytes(
    name: str, published_folder: Path
) -> None:
    file = published_folder / packages.sources()[name].file

    finished = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, name, str(file)],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
    )  # fmt: skip

    assert finished.stdout.strip() == DIGESTS[name]
