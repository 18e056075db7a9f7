"""Labelled pairs of photos: whether they show the same person."""

import csv
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.verification import FOLDS

_SEED = 20240229

Pair = tuple[bool, str, str]


class PairsError(Exception):
    """The pairs cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of photos.

    Attributes:
        folder: where the photos are.
        files: each photo once, relative to the folder.
        first: the number of the first file of each pair, (N,).
        second: the number of the second file of each pair, (N,).
        same: whether the two show the same person, (N,).
        folds: the fold of each pair, for cross-validation, (N,).
    """

    folder: Path
    files: tuple[str, ...]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    same: NDArray[np.bool_]
    folds: NDArray[np.intp]


def read(path: Path) -> Pairs:
    """Return the pairs of a file or folder.

    Args:
        path: a csv file with the columns same (0 or 1), a and b, whose photos are in `images`
            next to it; or a folder laid out like Labeled Faces in the Wild
            (person/person_0001.jpg). Without its pairs.txt, all pairs of one person are taken and
            the same number of random pairs of two people, which are always the same ones.

    Raises:
        PairsError: there are no such pairs.
    """
    if path.is_file():
        return _in_random_folds(path.parent / "images", _read_csv(path))
    listed = path / "pairs.txt"
    if listed.is_file():
        pairs, folds = _read_lfw(listed)
        return _collect(path, pairs, folds)
    return _in_random_folds(path, _pair_up(path))


def _read_csv(path: Path) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"same", "a", "b"} <= set(rows.fieldnames or ()):
            raise PairsError(f"{path} has no columns same, a and b")
        return [(row["same"] == "1", row["a"], row["b"]) for row in rows]


def _read_lfw(path: Path) -> tuple[list[Pair], NDArray[np.intp]]:
    """Return the pairs and their folds; the first line has the numbers of folds and pairs."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    folds, of_each_kind = (int(number) for number in header.split())
    pairs = [_parse_lfw(line) for line in lines if line.strip()]
    return pairs, np.arange(folds).repeat(2 * of_each_kind)


def _parse_lfw(line: str) -> Pair:
    match line.split():
        case [name, a, b]:
            return True, _lfw_file(name, a), _lfw_file(name, b)
        case [name, a, other, b]:
            return False, _lfw_file(name, a), _lfw_file(other, b)
    raise PairsError(f"pairs.txt has the line {line!r}")


def _lfw_file(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"


def _pair_up(folder: Path) -> list[Pair]:
    people = [
        [f"{person.name}/{photo.name}" for photo in sorted(person.glob("*.jpg"))]
        for person in sorted(folder.iterdir())
        if person.is_dir()
    ]
    same = [(True, *pair) for photos in people for pair in itertools.combinations(photos, 2)]
    people = [photos for photos in people if photos]
    if not same or len(people) < 2:
        raise PairsError(f"{folder} needs two photos of one person, and two people")
    rng = np.random.default_rng(_SEED)
    different = []
    for _ in same:
        one, other = rng.choice(len(people), 2, replace=False)
        different.append((False, str(rng.choice(people[one])), str(rng.choice(people[other]))))
    return same + different


def _in_random_folds(folder: Path, pairs: list[Pair]) -> Pairs:
    """Return the pairs in folds, each with its share of pairs of one and of two people."""
    rng = np.random.default_rng(_SEED)
    same = np.array([pair[0] for pair in pairs], bool)
    folds = np.empty(len(pairs), np.intp)
    for kind in (same, ~same):
        if np.count_nonzero(kind) < FOLDS:
            raise PairsError(f"fewer than {FOLDS} same or different pairs")
        folds[kind] = rng.permutation(np.arange(np.count_nonzero(kind)) % FOLDS)
    return _collect(folder, pairs, folds)


def _collect(folder: Path, pairs: list[Pair], folds: NDArray[np.intp]) -> Pairs:
    names = sorted({name for _, a, b in pairs for name in (a, b)})
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise PairsError(f"{folder / missing[0]} is missing ({len(missing)} of {len(names)} files)")
    numbers = {name: number for number, name in enumerate(names)}

    def numbers_of(column: Iterable[str]) -> NDArray[np.intp]:
        return np.array([numbers[name] for name in column], np.intp)

    return Pairs(
        folder=folder,
        files=tuple(names),
        first=numbers_of(a for _, a, _ in pairs),
        second=numbers_of(b for _, _, b in pairs),
        same=np.array([same for same, _, _ in pairs], bool),
        folds=folds,
    )
