"""The secret of a local deployment."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from shared.config import SettingError
from shared.storage.local import secret


def test_is_kept(tmp_path: Path) -> None:
    first = secret.read_or_create(tmp_path / "data")
    assert len(first) == 64
    assert secret.read_or_create(tmp_path / "data") == first


def test_two_deployments_have_different_secrets(tmp_path: Path) -> None:
    assert secret.read_or_create(tmp_path / "a") != secret.read_or_create(tmp_path / "b")


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    secret.read_or_create(tmp_path)
    assert (tmp_path / "key_secret").stat().st_mode & 0o777 == 0o600


def test_leaves_no_other_file(tmp_path: Path) -> None:
    secret.read_or_create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["key_secret"]


def test_processes_that_start_at_the_same_time_get_the_same_secret(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        secrets = set(pool.map(secret.read_or_create, [tmp_path] * 16))
    assert len(secrets) == 1


def test_every_name_has_its_own_secret(tmp_path: Path) -> None:
    assert secret.read_or_create(tmp_path, "a") != secret.read_or_create(tmp_path, "b")


def test_refuses_a_secret_that_others_can_read(tmp_path: Path) -> None:
    secret.read_or_create(tmp_path)
    (tmp_path / "key_secret").chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        secret.read_or_create(tmp_path)
