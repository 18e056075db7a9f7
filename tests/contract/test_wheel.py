"""What `pip install .` brings, tried from another folder, where the checkout cannot be imported.

The wheel is installed into an environment of its own, which borrows the libraries of this one.
"""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

import shared
from harness import builders, photos
from local_runner import template
from shared.config import ROOT, Settings
from shared.vision.weights import published
from tools import requirements

pytestmark = pytest.mark.integration  # it starts processes

LOCAL_KEY = "local-dev-key"


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel, and an empty folder to call its commands from."""

    bin: Path
    folder: Path

    def run(
        self, command: str, *words: str, stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / command, *words],
            cwd=self.folder, env={"PATH": "/usr/bin:/bin", "EXECUTION_PROVIDER": "cpu", **environ},
            input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def succeed(self, command: str, *words: str, stdin: str = "") -> str:
        """Run a command that must succeed; return what it prints."""
        finished = self.run(command, *words, stdin=stdin)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout, built with the backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """What the wheel says about itself."""
    name, version, _ = wheel.name.split("-", 2)
    with zipfile.ZipFile(wheel) as files:
        return BytesParser().parsebytes(files.read(f"{name}-{version}.dist-info/METADATA"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs, the wheel's among them."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip("--python", folder / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    return folder / "bin"


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installation:
    """The wheel, installed, and a folder of no other use."""
    return Installation(environment, tmp_path)


@pytest.fixture
def with_models(installed: Installation) -> Installation:
    """The same, where the folder has the models in the place in which they are looked for."""
    (installed.folder / ".models").symlink_to(Settings.from_environment().models_dir)
    return installed


def pip(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_tests_build_it_with_what_pip_would_fetch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = set(requirements.read(ROOT / "requirements-dev.txt"))
    assert set(project["build-system"]["requires"]) <= installed


def test_has_the_version_and_the_licences(metadata: Message) -> None:
    assert metadata["Version"] == shared.VERSION
    licences = [f"licences/{path.name}" for path in (ROOT / "licences").iterdir()]
    assert sorted(metadata.get_all("License-File", [])) == sorted(["LICENSE", "NOTICE", *licences])


def test_the_changelog_has_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", changelog, re.M)[0] == shared.VERSION


def test_depends_on_what_make_run_installs_on_a_cpu(metadata: Message) -> None:
    files = ("requirements.txt", "requirements-models.txt")
    wanted = [
        requirement.replace("onnxruntime-gpu==", "onnxruntime==")
        for name in files
        for requirement in requirements.read(ROOT / name)
    ]
    assert sorted(metadata.get_all("Requires-Dist", [])) == sorted(wanted)


def test_holds_the_product_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        folders = {Path(name).parts[0] for name in files.namelist()}
    assert {name for name in folders if not name.endswith(".dist-info")} == {
        "functions", "local_runner", "shared", "tools",
    }  # fmt: skip


def test_the_product_is_imported_from_the_environment(installed: Installation) -> None:
    where = installed.succeed("python", "-c", "import shared; print(shared.__file__)")
    assert Path(where).is_relative_to(installed.bin.parent)


def test_the_command_is_the_local_runner(installed: Installation) -> None:
    of_command = installed.succeed("face-functions", "--help")
    of_module = installed.succeed("python", "-m", "local_runner", "--help")
    assert of_command.startswith("usage: face-functions ")
    assert of_command.partition("\n\n")[2] == of_module.partition("\n\n")[2] != ""


def test_lists_the_routes_of_the_template(installed: Installation) -> None:
    listed = installed.succeed("face-functions", "routes").splitlines()
    routes = [route for function in template.read() for route in function.routes]
    assert [line.split()[1] for line in listed] == [route.path for route in routes]


def test_invokes_a_function_with_models_and_data_in_the_working_directory(
    with_models: Installation,
) -> None:
    body = builders.deid_body(photos.astronaut_jpeg())
    event = json.dumps(builders.event(body=body, headers={"authorization": LOCAL_KEY}))
    words = ("invoke", "FaceDeIdFunction", "--event", "-")

    reply = json.loads(with_models.succeed("face-functions", *words, stdin=event))

    assert len(builders.answer(reply)["return_object"]["results"]) == 1
    assert (with_models.folder / ".data" / "face.db").is_file()


def test_says_what_to_run_where_there_are_no_models(installed: Installation) -> None:
    finished = installed.run("face-functions", "serve", WORKERS="1")
    assert finished.returncode != 0
    assert f"{installed.folder / '.models'}" in finished.stderr
    assert "`face-functions-models fetch`" in finished.stderr


def test_the_other_command_knows_the_models(with_models: Installation) -> None:
    verified = with_models.succeed("face-functions-models", "verify").splitlines()
    assert len(verified) == len(published().models)
    assert all(line.endswith(": ready") for line in verified)
