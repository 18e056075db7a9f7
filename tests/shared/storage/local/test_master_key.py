"""The master key of a local deployment."""

import os
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.config import SettingError
from shared.core.errors import SealError, StoreUnavailableError
from shared.core.recognition.models import Group, Person, PersonId
from shared.storage.local.database import Database
from shared.storage.local.groups import SqliteGroups
from shared.storage.local.master_key import FileKeyWrapper, rotate
from shared.storage.local.persons import SqlitePersons
from tests.shared.storage.stores import new_group

TAMY = PersonId("public", "withmind", "tamy")


def test_unwraps_what_it_wrapped_also_after_a_restart(tmp_path: Path) -> None:
    plain, wrapped = FileKeyWrapper(tmp_path).new_key("generation-1")
    assert len(plain) == 32
    assert plain not in wrapped
    assert FileKeyWrapper(tmp_path).unwrap("generation-1", wrapped) == plain


def test_every_key_is_different(tmp_path: Path) -> None:
    wrapper = FileKeyWrapper(tmp_path)
    assert wrapper.new_key("g")[0] != wrapper.new_key("g")[0]


def test_a_key_is_bound_to_its_group(tmp_path: Path) -> None:
    wrapper = FileKeyWrapper(tmp_path)
    _, wrapped = wrapper.new_key("generation-1")
    with pytest.raises(SealError):
        wrapper.unwrap("generation-2", wrapped)


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
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


def fill(folder: Path) -> list[bytes]:
    """Store two groups and a person; return their plain data keys."""
    wrapper, database = FileKeyWrapper(folder), Database(folder)
    groups, keys = SqliteGroups(database), []
    for name in ("a", "b"):
        group = new_group(name)
        plain, wrapped = wrapper.new_key(group.generation)
        groups.create(replace(group, wrapped_key=wrapped))
        keys.append(plain)
    plain, wrapped = wrapper.new_key("tamy's")
    SqlitePersons(database).put(
        Person(TAMY, "tamy's", "m", datetime.now(UTC), wrapped, os.urandom(541))
    )
    database.connection.close()
    return [*keys, plain]


def opened(folder: Path) -> list[bytes]:
    """Return the plain data keys of what `fill` stored."""
    wrapper, database = FileKeyWrapper(folder), Database(folder)
    owners: list[Group | Person] = [
        *SqliteGroups(database).list_page("t", after=None, limit=9),
        SqlitePersons(database).get(TAMY),
    ]
    database.connection.close()
    return [wrapper.unwrap(owner.generation, owner.wrapped_key) for owner in owners]


def test_after_a_rotation_the_new_key_opens_everything_and_the_old_one_nothing(
    tmp_path: Path,
) -> None:
    keys = fill(tmp_path)
    old = (tmp_path / "master_key").read_bytes()
    assert rotate(tmp_path) == 3
    assert opened(tmp_path) == keys
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.db", "master_key"]
    assert (tmp_path / "master_key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "master_key").write_bytes(old)
    with pytest.raises(SealError):
        opened(tmp_path)


@pytest.mark.parametrize("is_committed", [False, True])
def test_nothing_starts_until_an_interrupted_rotation_is_finished(
    tmp_path: Path, is_committed: bool
) -> None:
    keys = fill(tmp_path)
    master, following = tmp_path / "master_key", tmp_path / "master_key.next"
    if is_committed:
        shutil.copy(master, tmp_path / "old")
        rotate(tmp_path)
        master.rename(following)
        (tmp_path / "old").rename(master)
    else:
        FileKeyWrapper(tmp_path / "other")
        (tmp_path / "other" / "master_key").rename(following)
    new = following.read_bytes()
    with pytest.raises(SettingError, match="rotate-master-key"):
        FileKeyWrapper(tmp_path)
    assert rotate(tmp_path) == 3
    assert opened(tmp_path) == keys
    assert (master.read_bytes(), following.exists()) == (new, False)


def test_a_rotation_refuses_a_database_that_is_in_use(tmp_path: Path) -> None:
    fill(tmp_path)
    before = (tmp_path / "master_key").read_bytes()
    other = Database(tmp_path)
    with pytest.raises(StoreUnavailableError):
        rotate(tmp_path)
    assert (tmp_path / "master_key").read_bytes() == before
    assert not (tmp_path / "master_key.next").exists()
    other.connection.close()
    assert rotate(tmp_path) == 3


def test_nobody_can_open_the_database_during_exclusive_access(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.exclusive() as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Database(tmp_path, busy_timeout_s=0.01)
    assert Database(tmp_path).read("SELECT count(*) FROM person") == [(0,)]


def test_a_data_key_that_cannot_be_opened_stops_a_rotation_before_it_begins(
    tmp_path: Path,
) -> None:
    fill(tmp_path)
    database = Database(tmp_path)
    database.connection.execute("UPDATE person SET generation = 'another'")
    database.connection.close()
    with pytest.raises(SealError):
        rotate(tmp_path)
    FileKeyWrapper(tmp_path)


def test_a_rotation_does_not_create_a_first_master_key(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no master key"):
        rotate(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
