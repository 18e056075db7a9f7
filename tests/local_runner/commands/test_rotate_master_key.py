"""The command `rotate-master-key`."""

from pathlib import Path

from harness.command_line import run
from shared.storage.local.database import Database
from shared.storage.local.master_key import FileKeyWrapper
from tests.local_runner.refusals import assert_refused


def test_rotates_and_prints_the_number_of_data_keys(tmp_path: Path) -> None:
    FileKeyWrapper(tmp_path / "data")
    before = (tmp_path / "data" / "master_key").read_text()
    finished = run(tmp_path, "rotate-master-key")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "data keys encrypted with the new master key: 0\n"
    assert (tmp_path / "data" / "master_key").read_text() != before


def test_refuses_while_a_server_has_the_database_open(tmp_path: Path) -> None:
    FileKeyWrapper(tmp_path / "data")
    server = Database(tmp_path / "data")
    assert_refused(run(tmp_path, "rotate-master-key"), 1, "stop the server", "nothing was changed")
    assert server.read("SELECT count(*) FROM person") == [(0,)]


def test_refuses_a_folder_without_a_master_key(tmp_path: Path) -> None:
    assert_refused(run(tmp_path, "rotate-master-key"), 2, "no master key")


def test_refuses_with_aws_where_kms_rotates_the_key(tmp_path: Path) -> None:
    finished = run(tmp_path, "rotate-master-key", BACKEND="aws")
    assert_refused(finished, 2, "KMS")
