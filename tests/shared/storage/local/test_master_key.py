"""The master key of a local deployment."""

from pathlib import Path

import pytest

from shared.config import SettingError
from shared.core.errors import SealError
from shared.storage.local.master_key import FileKeyWrapper


def test_unwraps_what_it_wrapped_also_after_a_restart(tmp_path: Path) -> None:
    plain, wrapped = FileKeyWrapper(tmp_path).new_key("generation-1")
    assert len(plain) == 32
    assert plain not in wrapped
    assert FileKeyWrapper(tmp_path).unwrap("generation-1", wrapped) == plain


def test_every_key_is_another(tmp_path: Path) -> None:
    wrapper = FileKeyWrapper(tmp_path)
    assert wrapper.new_key("g")[0] != wrapper.new_key("g")[0]


def test_a_key_is_bound_to_its_group(tmp_path: Path) -> None:
    wrapper = FileKeyWrapper(tmp_path)
    _, wrapped = wrapper.new_key("generation-1")
    with pytest.raises(SealError):
        wrapper.unwrap("generation-2", wrapped)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    FileKeyWrapper(tmp_path / "data")
    assert (tmp_path / "data" / "master_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_does_not_start_with_a_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    FileKeyWrapper(tmp_path)
    (tmp_path / "master_key").chmod(mode)
    with pytest.raises(SettingError, match="master_key can be read by others"):
        FileKeyWrapper(tmp_path)


@pytest.mark.parametrize("content", ["", "f" * 63, "g" * 64, "f" * 64 + "00", "\x00\xff"])
def test_does_not_start_with_a_broken_file(tmp_path: Path, content: str) -> None:
    FileKeyWrapper(tmp_path)
    (tmp_path / "master_key").write_text(content, encoding="latin-1")
    with pytest.raises(SettingError, match="master_key"):
        FileKeyWrapper(tmp_path)
