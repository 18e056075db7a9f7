"""Counts who can still be recognised after hiding: prints a table and writes it as JSON.

Needs the prepared models (`make models`) and two or more photos of each person, named as in Labeled
Faces in the Wild (Person_0001.jpg), in a folder or in `images` beside a csv. In each photo the face
whose centre is nearest the photo's is hidden, and an attacker with our own embedder looks for the
person among all people, of whom the gallery holds one photo each:

- same photo: the probe is the gallery's photo, hidden;
- other photo: the probe is another photo of the person, hidden;
- parrot: the probe is another photo, and the gallery is hidden in the same way;
- learnt, learnt parrot: the same two, by an attacker who has seen what was under the hidden faces
  of half of the people, and looks for the other half.

The attacker is given more than any has: hidden photos are never compressed, and are aligned by the
five points that were found before they were hidden. One who learns also sees what surrounds the
face: hair, clothes and background tell something however well the face is hidden, and the row
`solid` says how much.

With --deface, deface hides the same faces. Its packages are installed into .bench/peers: a minute
and 700 MB. EXECUTION_PROVIDER and VISION_THREADS choose where and how the models run.
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import measure, peers
from benchmarks.accuracy import most_central
from benchmarks.reidentification import Floats, Recognition, recognise, recognise_by_learning
from shared.app import App
from shared.config import Settings
from shared.core.hiding.ports import HideMethod
from shared.core.photos.models import DetectionProfile, Face, Photo
from shared.core.photos.ports import ImageCodec
from shared.core.recognition.ports import Embedder
from shared.vision.alignment import cut_square

_CONSOLE = Console(width=120)  # of the table
_ATTACKS = ("same photo", "other photo", "parrot", "learnt", "learnt parrot")
_PEER_METHODS = ("blur", "mosaic")
_CLEAN = "not hidden"
_SURROUNDINGS = 2.5  # what the learning attacker sees, in heights of the face
_THUMBNAIL = 12  # pixels a side,
_SQUARE = 144  # and of what it is shrunk from
_MIN_PEOPLE = 4  # two to learn from, two to recognise


class TooFewPeopleError(Exception):
    """There are not enough people with two photos to measure anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A face before it is hidden, of the person of that number."""

    person: int
    path: Path
    photo: Photo
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What an attacker measures of M photos: unit vectors (M, D) and small pictures (M, ...)."""

    vectors: Floats
    thumbnails: Floats


def look(embedder: Embedder, sights: Sequence[Sight], photos: Iterable[Photo]) -> Seen:
    """Return what is seen of the faces in these versions of their photos."""
    vectors, thumbnails = [], []
    for sight, photo in zip(sights, photos, strict=True):
        vectors.append(embedder.embed(photo, [sight.face])[0])
        thumbnails.append(thumbnail(photo, sight.face))
    return Seen(np.array(vectors, np.float64), np.array(thumbnails, np.float64))


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    app = App(Settings.from_environment())
    embedder = app.recognizers.get(app.model_version).embedder
    files = find_photos(arguments.path, arguments.people, arguments.photos)
    sights = find_faces(app, files)
    clean = look(embedder, sights, _progress(sights, _CLEAN, (s.photo for s in sights)))
    rows = {_CLEAN: judge(sights, clean, clean)}
    for method in arguments.methods:
        hidden = (app.redactor.hide(s.photo, [s.face], HideMethod(method)) for s in sights)
        seen = look(embedder, sights, _progress(sights, method, hidden))
        rows[method] = judge(sights, seen, clean)
    for method in _PEER_METHODS if arguments.deface else ():
        with tempfile.TemporaryDirectory() as folder:
            photos = hide_by_peer(app.codec, sights, method, Path(folder))
            name = f"deface, {method}"
            seen = look(embedder, sights, _progress(sights, name, photos))
            rows[name] = judge(sights, seen, clean)
    _CONSOLE.print(_table(rows))
    figures = {
        name: {attack: asdict(figure) for attack, figure in row.items()}
        for name, row in rows.items()
    }
    measure.write(figures, arguments.output)


def find_photos(path: Path, max_people: int, max_photos: int) -> list[list[Path]]:
    """Return photos of each person of whom there are two or more.

    Args:
        path: a folder, or a csv beside a folder `images`.
        max_people: how many people to take at most, in the order of their names.
        max_photos: how many photos of each to take at most.

    """
    folder = path.parent / "images" if path.is_file() else path
    files = sorted(folder.rglob("*.jpg"))
    groups = itertools.groupby(files, key=lambda file: file.stem.rpartition("_")[0])
    people = [list(photos)[:max_photos] for _, photos in groups]
    return [photos for photos in people if len(photos) > 1][:max_people]


def find_faces(app: App, people: Sequence[Sequence[Path]]) -> list[Sight]:
    """Return the most central face of each photo; people with fewer than two faces are left out.

    Raises:
        TooFewPeopleError: fewer than four people are left.

    """
    sights: list[Sight] = []
    number = 0
    for paths in track(people, "faces", console=_CONSOLE):
        found = [sight for path in paths if (sight := _see(app, number, path))]
        if len(found) > 1:
            sights += found
            number += 1
    if number < _MIN_PEOPLE:
        raise TooFewPeopleError(f"{number} people with two photos; {_MIN_PEOPLE} are needed")
    return sights


def _see(app: App, person: int, path: Path) -> Sight | None:
    photo = app.codec.decode(path.read_bytes())
    faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
    if not faces:
        return None
    return Sight(person, path, photo, most_central(photo, faces))


def hide_by_peer(
    codec: ImageCodec, sights: Sequence[Sight], method: str, folder: Path
) -> Iterator[Photo]:
    """Yield what deface makes of each photo; `folder` holds its files meanwhile."""
    targets = [folder / f"{number}.png" for number in range(len(sights))]
    photos = [
        {
            "source": str(sight.path.resolve()),
            "target": str(target),
            "box": astuple(sight.face.box),
        }
        for sight, target in zip(sights, targets, strict=True)
    ]
    peers.run("deface_hide", {"method": method, "photos": photos})
    return (codec.decode(target.read_bytes()) for target in targets)


def judge(sights: Sequence[Sight], hidden: Seen, clean: Seen) -> dict[str, Recognition]:
    """Return how often each attack finds the right person."""
    people = np.array([sight.person for sight in sights])
    gallery = np.unique(people, return_index=True)[1]
    probes = gallery + 1
    features = np.hstack([hidden.vectors, hidden.thumbnails.reshape(len(people), -1)])
    learnt, learnt_parrot = (
        recognise_by_learning(
            features, clean.vectors, people, gallery, probes, hidden_gallery=hidden_gallery
        )
        for hidden_gallery in (False, True)
    )
    return {
        "same photo": recognise(hidden.vectors[gallery], clean.vectors[gallery]),
        "other photo": recognise(hidden.vectors[probes], clean.vectors[gallery]),
        "parrot": recognise(hidden.vectors[probes], hidden.vectors[gallery]),
        "learnt": learnt,
        "learnt parrot": learnt_parrot,
    }


def thumbnail(photo: Photo, face: Face) -> NDArray[np.uint8]:
    """Return a picture of a face and its surroundings, of 12x12 pixels, BGR."""
    box = face.box
    scale = _SURROUNDINGS * box.height / _SQUARE
    centre = np.array([box.x1 + box.x2, box.y1 + box.y2]) / 2
    shift = centre - scale * _SQUARE / 2
    to_image = np.column_stack([np.eye(2) * scale, shift])
    square = cut_square(photo.upright_bgr, to_image, _SQUARE)
    small = cv2.resize(square, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _progress(sights: Sequence[Sight], name: str, photos: Iterator[Photo]) -> Iterable[Photo]:
    return track(photos, name, total=len(sights), console=_CONSOLE)


def _table(rows: dict[str, dict[str, Recognition]]) -> Table:
    table = Table(
        title="Who is recognised: the right person first, and among the first ten, in percent",
        caption="in brackets the 95% intervals",
    )
    table.add_column("hidden by")
    for attack in _ATTACKS:
        table.add_column(attack, justify="right")
    for name, figures in rows.items():
        table.add_row(name, *(_cell(figures[attack]) for attack in _ATTACKS), end_section=True)
    chances = (rows[_CLEAN][attack] for attack in _ATTACKS)
    table.add_row("guessing", *(f"{c.rank_1.chance:.1%}\n{c.rank_10.chance:.1%}" for c in chances))
    return table


def _cell(recognition: Recognition) -> str:
    shares = (recognition.rank_1, recognition.rank_10)
    return "\n".join(f"{100 * s.value:.1f} ({100 * s.low:.1f}-{100 * s.high:.1f})" for s in shares)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.privacy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    methods = [str(method) for method in HideMethod]
    parser.add_argument("path", type=Path, help="a folder of photos, or a csv beside `images`")
    parser.add_argument("--people", type=int, default=1000, help="at most so many people")
    parser.add_argument("--photos", type=int, default=6, help="at most so many photos of each")
    parser.add_argument("--methods", nargs="*", choices=methods, default=methods)
    parser.add_argument("--deface", action="store_true", help="compare with deface")
    parser.add_argument("--output", type=Path, default=Path(".bench", "privacy.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
