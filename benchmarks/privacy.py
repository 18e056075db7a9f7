"""Measures how often hidden faces can still be recognised.

Needs the prepared models (`make models`) and two or more photos of each person, named as in Labeled
Faces in the Wild (Person_0001.jpg), in a folder or in `images` next to a csv. In each photo the
face whose centre is nearest the photo's is hidden, and an attacker with our own embedder looks for
the person in a gallery with one photo of each person:

- same photo: the probe is the gallery's photo, hidden;
- other photo: the probe is another photo of the person, hidden;
- parrot: the probe is another photo, and the gallery is hidden in the same way;
- learnt, learnt parrot: the same two, by an attacker who knows the original photos of half of the
  people, learns from them, and looks for the other half.

This attacker has more than a real one: hidden photos are not compressed, and are aligned by the
five points that were found before hiding. One who learns also sees the surroundings of the face:
hair, clothes and background identify people however well the face is hidden, and the row `solid`
shows how much.

With --deface, deface hides the same faces. Its packages are installed into .bench/peers: a minute
and 700 MB. EXECUTION_PROVIDER and VISION_THREADS choose where and how the models run.
"""

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from benchmarks import command, peers
from benchmarks.people import central_face, person_of
from benchmarks.reidentification import Floats, Recognition, recognise, recognise_by_learning
from shared.app import App
from shared.config import Settings
from shared.core.hiding.ports import HideMethod
from shared.core.photos.models import Face, Photo
from shared.core.photos.ports import ImageCodec
from shared.core.recognition.ports import Embedder
from shared.vision.alignment import crop_square

_ATTACKS = ("same photo", "other photo", "parrot", "learnt", "learnt parrot")
_PEER_METHODS = ("blur", "mosaic")
_CLEAN = "not hidden"
_SURROUNDINGS = 2.5  # side of the square that a learning attacker sees, in heights of the face
_THUMBNAIL = 12  # pixels a side
_SQUARE = 144  # pixels a side before it is shrunk
_MIN_PEOPLE = 4  # two to learn from, two to recognise


class TooFewPeopleError(Exception):
    """There are not enough people with two photos to measure anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A face before it is hidden, and the number of its person."""

    person: int
    path: Path
    photo: Photo
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What an attacker measures of M photos: unit vectors (M, D) and thumbnails (M, 12, 12, 3)."""

    vectors: Floats
    thumbnails: Floats


def look(embedder: Embedder, sights: Sequence[Sight], photos: Iterable[Photo]) -> Seen:
    """Return what an attacker measures of the faces in these versions of their photos."""
    vectors, thumbnails = [], []
    for sight, photo in zip(sights, photos, strict=True):
        vectors.append(embedder.embed(photo, [sight.face])[0])
        thumbnails.append(thumbnail(photo, sight.face))
    return Seen(np.array(vectors, np.float64), np.array(thumbnails, np.float64))


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    methods = [str(method) for method in HideMethod]
    parser.add_argument("path", type=Path, help="a folder of photos, or a csv next to `images`")
    parser.add_argument("--people", type=int, default=1000, help="maximum number of people")
    parser.add_argument("--photos", type=int, default=6, help="maximum number of photos of each")
    parser.add_argument("--methods", nargs="*", choices=methods, default=methods)
    parser.add_argument("--deface", action="store_true", help="compare with deface")
    arguments = parser.parse_args()
    app = App(Settings.from_environment())
    embedder = app.recognizers.get(app.model_version).embedder
    files = find_photos(arguments.path, arguments.people, arguments.photos)
    sights = find_faces(app, files)

    def seen(name: str, photos: Iterable[Photo]) -> Seen:
        return look(embedder, sights, track(photos, name, total=len(sights)))

    clean = seen(_CLEAN, (s.photo for s in sights))
    rows = {_CLEAN: judge(sights, clean, clean)}
    for method in arguments.methods:
        hidden = (app.redactor.hide(s.photo, [s.face], HideMethod(method)) for s in sights)
        rows[method] = judge(sights, seen(method, hidden), clean)
    for method in _PEER_METHODS if arguments.deface else ():
        with tempfile.TemporaryDirectory() as folder:
            photos = hide_by_peer(app.codec, sights, method, Path(folder))
            name = f"deface, {method}"
            rows[name] = judge(sights, seen(name, photos), clean)
    figures = {
        name: {attack: asdict(figure) for attack, figure in row.items()}
        for name, row in rows.items()
    }
    command.report(arguments.output, figures, _table(rows))


def find_photos(path: Path, max_people: int, max_photos: int) -> list[list[Path]]:
    """Return the photos of each person with two or more.

    Args:
        path: a folder, or a csv next to a folder `images`.
        max_people: the maximum number of people, taken in the order of their names.
        max_photos: the maximum number of photos of each.
    """
    folder = path.parent / "images" if path.is_file() else path
    files = sorted(folder.rglob("*.jpg"))
    groups = itertools.groupby(files, key=lambda file: person_of(file.name))
    people = [list(photos)[:max_photos] for _, photos in groups]
    return [photos for photos in people if len(photos) > 1][:max_people]


def find_faces(app: App, people: Sequence[Sequence[Path]]) -> list[Sight]:
    """Return the most central face of each photo, without people with fewer than two faces.

    Raises:
        TooFewPeopleError: fewer than four people are left.
    """
    sights: list[Sight] = []
    number = 0
    for paths in track(people, "faces"):
        found = []
        for path in paths:
            photo = app.codec.decode(path.read_bytes())
            if face := central_face(app, photo):
                found.append(Sight(number, path, photo, face))
        if len(found) > 1:
            sights += found
            number += 1
    if number < _MIN_PEOPLE:
        raise TooFewPeopleError(f"{number} people with two photos; {_MIN_PEOPLE} are needed")
    return sights


def hide_by_peer(
    codec: ImageCodec, sights: Sequence[Sight], method: str, folder: Path
) -> Iterator[Photo]:
    """Yield what deface makes of each photo; its files are written to `folder`."""
    targets = [folder / f"{number}.png" for number in range(len(sights))]
    photos = [
        {"source": str(sight.path.resolve()), "target": str(target), "box": astuple(sight.face.box)}
        for sight, target in zip(sights, targets, strict=True)
    ]
    peers.run("use_deface", {"task": "hide", "method": method, "photos": photos})
    return (codec.decode(target.read_bytes()) for target in targets)


def judge(sights: Sequence[Sight], hidden: Seen, clean: Seen) -> dict[str, Recognition]:
    """Return how often each attack finds the right person."""
    people = np.array([sight.person for sight in sights])
    gallery = np.unique(people, return_index=True)[1]
    probes = gallery + 1
    features = np.hstack([hidden.vectors, hidden.thumbnails.reshape(len(people), -1)])

    def learnt(*, hidden_gallery: bool) -> Recognition:
        return recognise_by_learning(
            features, clean.vectors, people, gallery, probes, hidden_gallery=hidden_gallery
        )

    return {
        "same photo": recognise(hidden.vectors[gallery], clean.vectors[gallery]),
        "other photo": recognise(hidden.vectors[probes], clean.vectors[gallery]),
        "parrot": recognise(hidden.vectors[probes], hidden.vectors[gallery]),
        "learnt": learnt(hidden_gallery=False),
        "learnt parrot": learnt(hidden_gallery=True),
    }


def thumbnail(photo: Photo, face: Face) -> NDArray[np.uint8]:
    """Return a small picture of a face and its surroundings: BGR, uint8 of shape (12, 12, 3)."""
    box = face.box
    scale = _SURROUNDINGS * box.height / _SQUARE
    centre = np.array([box.x1 + box.x2, box.y1 + box.y2]) / 2
    shift = centre - scale * _SQUARE / 2
    to_image = np.column_stack([np.eye(2) * scale, shift])
    square = crop_square(photo.upright_bgr, to_image, _SQUARE)
    small = cv2.resize(square, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _table(rows: dict[str, dict[str, Recognition]]) -> Table:
    title = "right person first, and among the first ten, in percent, with 95% intervals"
    table = command.table(title, ("hidden by", *_ATTACKS), [])
    for name, figures in rows.items():
        table.add_row(name, *(_cell(figures[attack]) for attack in _ATTACKS), end_section=True)
    chances = (rows[_CLEAN][attack] for attack in _ATTACKS)
    table.add_row("guessing", *(f"{c.rank_1.chance:.1%}\n{c.rank_10.chance:.1%}" for c in chances))
    return table


def _cell(recognition: Recognition) -> str:
    shares = (recognition.rank_1, recognition.rank_10)
    return "\n".join(f"{100 * s.value:.1f} ({100 * s.low:.1f}-{100 * s.high:.1f})" for s in shares)


if __name__ == "__main__":
    main()
