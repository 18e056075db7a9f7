"""The catalogue of models, and files that are not what it says."""

from pathlib import Path

import pytest

from shared.config import Settings
from shared.vision import weights
from shared.vision.weights import WeightsError

MODELS = Settings.from_environment().models_dir


@pytest.mark.parametrize("name", list(weights.catalogue()))
def test_every_prepared_file_is_the_one_of_the_catalogue(name: str) -> None:
    assert len(weights.load(name, MODELS)) > 1_000_000


def test_every_version_is_one_models_own() -> None:
    versions = [model.version for model in weights.catalogue().values()]
    assert len(versions) == len(set(versions))
    assert all(weights.by_version(version).version == version for version in versions)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"centerface\.onnx is missing: run `make models`"):
        weights.load("centerface", tmp_path)
    with pytest.raises(WeightsError, match="run `make models`"):
        weights.check_present(tmp_path)


def test_a_changed_file_is_never_loaded(tmp_path: Path) -> None:
    data = bytearray((MODELS / "centerface.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "centerface.onnx").write_bytes(data)
    with pytest.raises(WeightsError, match=r"not the file that models\.toml names"):
        weights.load("centerface", tmp_path)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(WeightsError, match="no-such-model"):
        weights.by_version("no-such-model")
