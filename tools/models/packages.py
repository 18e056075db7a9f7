"""Reads published weights, pinned by digest, from a package or from a folder."""

import hashlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from shared.vision.weights import PUBLISHED
from tools.models.errors import ModelsError


@dataclass(frozen=True, slots=True)
class Package:
    """A published package; one row of `models.toml`.

    Attributes:
        name: in the package index.
        version: the pinned version.
        file: the name of the wheel.
        sha256: the digest of that file.
    """

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """The published weights of a model: a member of a package's file.

    Attributes:
        package: contains the weights.
        member: their path in the package.
        sha256: the digest of the member.
    """

    package: Package
    member: str
    sha256: str

    @property
    def file(self) -> str:
        """The member's name without its folders."""
        return self.member.rpartition("/")[2]


def sources() -> dict[str, Source]:
    """Return the published weights of the catalogue's models, by the model's name.

    A model without a source must be placed into the models folder by hand.
    """
    catalogue = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    packages = {name: Package(name, **row) for name, row in catalogue["package"].items()}
    rows = {name: row["source"] for name, row in catalogue["model"].items() if "source" in row}
    return {
        name: Source(packages[row["package"]], row["member"], row["sha256"])
        for name, row in rows.items()
    }


def read(wanted: Collection[Source], folder: Path | None) -> dict[Source, bytes]:
    """Return the published weights of some models.

    Args:
        wanted: sources of one package.
        folder: contains them as single files or in their package; None to download the package.

    Raises:
        ModelsError: the weights are unavailable or do not have the pinned digests.
    """
    found = {}
    for source in wanted:
        if folder and (folder / source.file).is_file():
            found[source] = (folder / source.file).read_bytes()
    missing = set(wanted) - set(found)
    if missing:
        found |= _read_package(missing, folder)
    for source, data in found.items():
        _verify(data, source.sha256, f"{source.file} is not the file that models.toml names")
    return found


def _read_package(wanted: Collection[Source], folder: Path | None) -> dict[Source, bytes]:
    (package,) = {source.package for source in wanted}
    with tempfile.TemporaryDirectory() as temporary:
        path = folder / package.file if folder else _download(package, Path(temporary))
        if not path.is_file():
            files = ", ".join(sorted(source.file for source in wanted))
            raise ModelsError(f"{folder} has neither {files} nor {package.file}")
        pinned = f"{path} is not the file of {package.name} {package.version} that is pinned"
        _verify(path.read_bytes(), package.sha256, pinned)
        return _read_members(path, wanted)


def _read_members(archive: Path, wanted: Collection[Source]) -> dict[Source, bytes]:
    """Return members of a wheel; they are not unpacked to disk."""
    with zipfile.ZipFile(archive) as members:
        names = set(members.namelist())
        for source in wanted:
            if source.member not in names:
                raise ModelsError(f"{archive.name} does not have {source.member}")
        return {source: members.read(source.member) for source in wanted}


def _download(package: Package, folder: Path) -> Path:
    """Download the file with pip, which knows this machine's index, proxy and certificates."""
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
            f" It needs a package index that it can reach. Or give a folder that holds"
            f" {package.file} (sha256 {package.sha256}): `make models FROM=FOLDER`,"
            " or `face-functions-models fetch --from FOLDER` if you installed with pip."
        )
    return downloaded


def _verify(data: bytes, sha256: str, refusal: str) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise ModelsError(f"{refusal}: its sha256 is {digest}, not {sha256}. It was not used.")
