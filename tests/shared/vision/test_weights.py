"""The catalogue of models, and files that differ from it."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from shared.config import Settings
from shared.core.errors import UnknownModelError
from shared.vision import weights
from shared.vision.weights import Catalogue, Role, WeightsError

MODELS = Settings.from_environment().models_dir
CATALOGUE = weights.published()

TWO_EMBEDDERS = """
[use]
embedder = "new"

[model.old]
file = "old.onnx"
sha256 = "aa"
version = "old-1"
licence = "MIT"
origin = "https://example.org/old"

[model.old.embedder]
dimensions = 128
side = 112
channels = "rgb"
mean = 0
scale = 1
template = [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]
knots = [[-1, 0], [1, 100]]

[model.new]
file = "new.onnx"
sha256 = "bb"
version = "new-1"
licence = "Apache-2.0"
origin = "https://example.org/new"

[model.new.embedder]
dimensions = 512
side = 96
channels = "bgr"
mean = 127.5
scale = 0.0078125
template = [[1.5, 2.5], [3, 4], [5, 6], [7, 8], [9, 10]]
knots = [[-1.0, 0.0], [0.5, 90.0], [1.0, 100.0]]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", list(CATALOGUE.models))
def test_every_prepared_file_has_its_digest(name: str) -> None:
    assert len(CATALOGUE.load(name, MODELS)) > 100_000


def test_every_model_has_its_own_version() -> None:
    versions = [model.version for model in CATALOGUE.models.values()]
    assert len(versions) == len(set(versions))


def test_each_role_has_a_model() -> None:
    assert set(CATALOGUE.use) == set(get_args(Role))
    embedders = {role for role in CATALOGUE.use if CATALOGUE.used(role).embedder}
    assert embedders == {"embedder"}


def test_only_embedders_may_be_unused() -> None:
    """Groups keep the embedder that they were created with."""
    used = {CATALOGUE.used(role).name for role in CATALOGUE.use}
    others = {model.name for model in CATALOGUE.models.values() if not model.embedder}
    assert others < used <= set(CATALOGUE.models)


def test_reads_the_format_of_an_embedder(tmp_path: Path) -> None:
    catalogue = Catalogue.read(written(tmp_path, TWO_EMBEDDERS))

    row, spec = catalogue.embedder("new-1")

    assert row == catalogue.used("embedder")
    assert (row.name, row.file, row.sha256) == ("new", "new.onnx", "bb")
    assert (row.licence, row.origin) == ("Apache-2.0", "https://example.org/new")
    assert (spec.dimensions, spec.side) == (512, 96)
    assert spec.channels == "bgr"
    assert (spec.mean, spec.scale) == (127.5, 0.0078125)
    assert list(spec.template) == [(1.5, 2.5), (3, 4), (5, 6), (7, 8), (9, 10)]
    assert list(spec.knots) == [(-1, 0), (0.5, 90), (1, 100)]


def test_finds_an_unused_embedder_by_its_version(tmp_path: Path) -> None:
    catalogue = Catalogue.read(written(tmp_path, TWO_EMBEDDERS))

    row, spec = catalogue.embedder("old-1")

    assert (row.name, spec.dimensions) == ("old", 128)


@pytest.mark.parametrize("version", ["no-such-model", CATALOGUE.used("detector").version])
def test_refuses_a_version_without_an_embedder(version: str) -> None:
    with pytest.raises(UnknownModelError, match=version):
        CATALOGUE.embedder(version)


@pytest.mark.parametrize(
    "text",
    [
        "[use",
        "",
        "[use]\nembedder = 'x'\n[model]\nx = 3\n",
        TWO_EMBEDDERS.replace("[use]", "[uses]"),
        TWO_EMBEDDERS.replace('licence = "MIT"', ""),
        TWO_EMBEDDERS.replace("side = 96", ""),
        TWO_EMBEDDERS.replace("[3, 4]", "[3]"),
        TWO_EMBEDDERS.replace("[3, 4]", "3"),
        TWO_EMBEDDERS.replace("[3, 4]", '["left", 4]'),
    ],
    ids=["syntax", "empty", "row", "use", "licence", "side", "point", "number", "word"],
)
def test_names_a_malformed_catalogue(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)

    with pytest.raises(WeightsError) as caught:
        Catalogue.read(path)

    assert str(caught.value).startswith(f"{path} cannot be read: ")


def test_a_missing_file_gives_advice(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"yunet\.onnx is missing: run `make models`"):
        CATALOGUE.load("yunet", tmp_path)


def test_reports_a_missing_file_before_loading_any(tmp_path: Path) -> None:
    for row in CATALOGUE.models.values():
        (tmp_path / row.file).touch()
    CATALOGUE.check_present(tmp_path)
    (tmp_path / "sface.onnx").unlink()

    with pytest.raises(WeightsError, match=r"sface\.onnx is missing: run `make models`"):
        CATALOGUE.check_present(tmp_path)


def test_a_changed_file_is_never_loaded(tmp_path: Path) -> None:
    path = Path(shutil.copy(MODELS / "yunet.onnx", tmp_path))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(WeightsError, match=r"not the file that models\.toml names"):
        CATALOGUE.load("yunet", tmp_path)
