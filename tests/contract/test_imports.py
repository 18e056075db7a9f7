"""What a cold start loads: the standard library, our own code, and what is declared here."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness import builders
from local_runner import template
from shared.app import App
from shared.config import ROOT
from shared.core.metering import keyring
from shared.core.metering.models import Limits
from shared.core.recognition import groups
from tests import examples
from tests.api_gateway import ApiGateway

pytestmark = pytest.mark.integration  # it starts processes

MODULES = {function.name: function.command.rpartition(".")[0] for function in template.read()}
SMALL_PACKAGES = {"itsdangerous", "multipart", "typing_extensions"}
"""Packages that every function may load."""

NHN = "/nhn-face-reco/v1.0/appkeys/{key}"
LIGHT_CALLS = {
    "UnknownPathFunction": ("GET", "/elsewhere"),
    "ListGroupsFunction": ("GET", f"{NHN}/groups?limit=1"),
    "GetGroupFunction": ("GET", f"{NHN}/groups/people"),
    "DeleteGroupFunction": ("DELETE", f"{NHN}/groups/people"),
    "DeleteFaceFunction": ("DELETE", f"{NHN}/groups/people/faces/some-face"),
    "ListFacesFunction": ("GET", f"{NHN}/groups/people/faces?limit=1"),
    "UnknownRouteFunction": ("GET", f"{NHN}/elsewhere"),
}
"""A call of each function of an API that handles neither photos nor vectors."""

HANDLES_PHOTOS_OR_VECTORS = {
    "FaceDeIdFunction", "CreateGroupFunction", "DetectFunction", "AddFacesFunction",
    "SearchByFaceIdFunction", "SearchByImageFunction", "CompareFunction", "EnrollmentImgFunction",
    "AnalyImgFunction", "DeidentifyUploadFunction", "UpdateIndexFunction",
}  # fmt: skip

PREAMBLE = """
import importlib, json, sys
def packages():
    return {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
before = packages()
module = importlib.import_module(sys.argv[1])
"""
IMPORT = f"{PREAMBLE}print(json.dumps(sorted(packages() - before)))"
CALL = f"""{PREAMBLE}
reply = module.handler(json.load(sys.stdin), None)
print(json.dumps([reply, sorted(packages() - before)]))
"""
OURS = {"functions", "shared"}


def run(code: str, module: str, *, given: str = "", **environ: str) -> Any:
    """Return what the code prints as JSON in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, module],
        input=given, cwd=ROOT, env={**os.environ, **environ},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def call(name: str, event: Any, data_dir: Path) -> tuple[Any, set[str]]:
    """Call a function in a process of its own; return its reply and the packages it loaded."""
    reply, loaded = run(
        CALL, MODULES[name], given=json.dumps(event),
        DATA_DIR=str(data_dir), KEY_SECRET=builders.SECRET, METRICS="emf",
    )  # fmt: skip
    return reply, set(loaded) - OURS


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A key of a deployment which has the group `people`."""
    app = App(builders.settings(tmp_path))
    groups.create(
        app.groups, app.sealer, tenant="t", group_id="people", model_version=app.model_version
    )
    _, key = keyring.create(
        app.keys, name="test", tenant="t", limits=Limits(), secret=builders.SECRET,
        by="test", now=datetime.now(UTC),
    )  # fmt: skip
    return key


@pytest.mark.parametrize("module", MODULES.values())
def test_importing_a_handler_loads_no_large_package(module: str) -> None:
    assert set(run(IMPORT, module)) - OURS <= SMALL_PACKAGES


def test_the_cloud_backend_loads_no_library_before_an_adapter_needs_it() -> None:
    assert set(run(IMPORT, "shared.storage.aws.backend")) - OURS <= SMALL_PACKAGES


def test_this_check_notices_numpy() -> None:
    assert "numpy" in run(IMPORT, "shared.core.recognition.similarity")


def test_every_function_is_light_or_handles_photos_or_vectors() -> None:
    light = [*LIGHT_CALLS, "CleanUpFunction"]
    assert sorted([*light, *HANDLES_PHOTOS_OR_VECTORS]) == sorted(MODULES)


@pytest.mark.parametrize("name", LIGHT_CALLS)
def test_a_light_call_loads_no_large_package(tmp_path: Path, key: str, name: str) -> None:
    packages: dict[str, set[str]] = {}

    def invoke(function: str, event: Any) -> Any:
        reply, packages[function] = call(function, event, tmp_path)
        return reply

    method, url = LIGHT_CALLS[name]
    reply = ApiGateway(invoke).call(method, url.format(key=key), headers={"Authorization": key})
    assert packages.keys() == {name}
    assert packages[name] <= SMALL_PACKAGES
    assert reply.status in (200, 403, 404)
    assert "Internal" not in reply.body


def test_the_clean_up_loads_no_large_package(tmp_path: Path) -> None:
    report, packages = call("CleanUpFunction", examples.read("events/schedule.json"), tmp_path)
    assert packages <= SMALL_PACKAGES
    assert (report["failed"], report["unfinished"]) == (0, 0)


def test_shared_sets_the_variables_of_numpy_before_numpy_is_imported() -> None:
    assert run(IMPORT, "shared") == ["shared"]
