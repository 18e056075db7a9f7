from pathlib import Path

import pytest

from shared.config import Settings
from tests import image_files, photos
from tools.models.calibration import calibrate
from tools.models.errors import ModelsError
from tools.models.quantisation import load_calibrations


@pytest.fixture
def models_dir() -> Path:
    return Settings.from_environment().models_dir


def test_measures_on_photos_what_the_table_holds(models_dir: Path, tmp_path: Path) -> None:
    photo = tmp_path / "obama2.jpg"
    photo.write_bytes(photos.load(photo.name))

    measured = calibrate([photo], models_dir)

    committed = load_calibrations()
    assert set(measured) == set(committed)
    for name, calibration in measured.items():
        assert set(calibration.ranges) == set(committed[name].ranges)
        for value, (low, high) in calibration.ranges.items():
            lowest, highest = committed[name].ranges[value]
            assert lowest * 2 <= low <= 0 < high <= highest * 2
        assert set(calibration.exponents) == set(committed[name].exponents)
        for value, exponents in calibration.exponents.items():
            assert len(exponents) == len(committed[name].exponents[value])
            assert 0 == min(exponents) <= max(exponents) <= 10


def test_refuses_photos_without_a_face(models_dir: Path, tmp_path: Path) -> None:
    photo = tmp_path / "sky.png"
    photo.write_bytes(
        image_files.save(image_files.photo().crop((0, 0, 12, 12)).resize((64, 64)), "PNG")
    )

    with pytest.raises(ModelsError, match="no face in these photos"):
        calibrate([photo], models_dir)
