"""Measures what the detector finds and what it draws where there is no face.

Needs the prepared models (`make models`), photos of one person each (a csv of pairs, or a folder
laid out as Labeled Faces in the Wild), and a folder of photos that show nobody at all.

- Lone faces: a face a person is cut out, shrunk to a height, and put somewhere into a photo of
  nobody in Full HD. Found is a box that shares a quarter of the area with the true one.
- Turned faces: the photos of people as they are, turned about their middle.
- Tilted heads: the cosine of the vector of each turned face with that of the upright one.
- With --curves, lone and turned faces and photos of nobody again, with other thresholds for what is
  doubtful (`shared.vision.second_looks`).
- Photos of nobody: every box is wrong. With --likenesses, a folder of statues, drawings, dolls and
  animals, the boxes are counted by kind, which is the first word of a file's name: what of these
  should be hidden is a matter of taste.

The true boxes are what the product itself finds in the upright photos, in which nobody is small.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from benchmarks import measure, pairs
from benchmarks.accuracy import most_central
from benchmarks.similarity import person_of
from shared.app import App
from shared.config import Settings
from shared.core.photos import geometry
from shared.core.photos.models import Box, DetectionProfile, Face, ImageFormat, Photo
from shared.vision.detector import YuNetDetector
from shared.vision.second_looks import SecondLooks
from shared.vision.yunet import YuNet
from tests import builders

HEIGHTS = (10, 12, 14, 16, 20, 24, 32)  # pixels
ANGLES = (0, 30, 45, 60, 90, 135, 180, 225, 270, 315)  # degrees, counterclockwise
FULL_HD = (1920, 1080)
SEEN_AGAIN = (0.0, 0.3, 0.42, 0.54, 1.0)
MORE_LOGIT = (-6.0, 0.0, 6.0, 100.0)
HEIGHTS_OF_CURVES = (14, 16, 20)
ANGLES_OF_CURVES = (90, 135)

_FOUND = 0.25  # intersection over union
_PEOPLE = 100
_SCENES = 30
_FACES_A_SCENE = 2
_SURROUNDINGS = 0.5  # of a face's box on each side, that are cut out with it
_SEED = 20261130

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photo of a person, and where the face is."""

    image_bgr: Image
    box: Box


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    app = App(Settings.from_environment())
    people = portraits(app, pairs.read(arguments.people))
    nobody = [path for path in sorted(arguments.nobody.iterdir()) if path.is_file()]
    report: dict[str, Any] = {
        "lone faces": lone_faces(app, people, [_read(app, path) for path in nobody]),
        "turned faces": turned_faces(app, people),
        "tilted heads": tilted_heads(app, people),
        "boxes in photos of nobody": boxes_by_photo(app, nobody),
    }
    measure.show(_table("found, by height in pixels", report["lone faces"]))
    measure.show(_table("found, by angle in degrees", report["turned faces"]))
    measure.show(
        _table("cosine with the upright face, median / worst tenth", report["tilted heads"])
    )
    measure.show(_boxes_table(report["boxes in photos of nobody"], len(nobody)))
    if arguments.curves:
        backgrounds = [_read(app, path) for path in nobody]
        report["curves"] = curves(app, people, backgrounds)
        for title, curve in report["curves"].items():
            measure.show(_curve_table(title, curve))
    if arguments.likenesses:
        paths = sorted(arguments.likenesses.iterdir())
        report["likenesses"] = likenesses(app, paths)
        measure.show(_table("boxes a photo, by kind", report["likenesses"]))
    measure.write(report, arguments.output)


def portraits(app: App, people: pairs.Pairs) -> list[Portrait]:
    """Return one photo a person, of the first people in whose photo there is a sure face."""
    found: dict[str, Portrait] = {}
    for file in track(sorted(people.files), "faces to cut out"):
        if len(found) == _PEOPLE:
            break
        if person_of(file) in found:
            continue
        image = _read(app, people.folder / file)
        photo = as_photo(image)
        faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
        if faces:
            found[person_of(file)] = Portrait(image, most_central(photo, faces).box)
    return list(found.values())


def lone_faces(
    app: App,
    people: Sequence[Portrait],
    backgrounds: Sequence[Image],
    heights: Sequence[int] = HEIGHTS,
) -> dict[str, float]:
    """Return the share of small faces that are found, by their height in pixels."""
    shares = {}
    for height in track(heights, "lone faces"):
        chance = np.random.default_rng(_SEED)  # the same places for each height
        found = total = 0
        for scene in range(_SCENES):
            canvas = full_hd(backgrounds[scene % len(backgrounds)])
            chosen = [
                people[(scene * _FACES_A_SCENE + n) % len(people)] for n in range(_FACES_A_SCENE)
            ]
            truth = [paste(canvas, person, height, chance) for person in chosen]
            boxes = _boxes(app, canvas)
            found += sum(_is_found(box, boxes) for box in truth)
            total += len(truth)
        shares[str(height)] = found / total
    return shares


def turned_faces(
    app: App, people: Sequence[Portrait], angles: Sequence[int] = ANGLES
) -> dict[str, float]:
    """Return the share of turned faces that are found, by the angle in degrees."""
    shares = {}
    for angle in track(angles, "turned faces"):
        found = 0
        for person in people:
            image, box = turn(person, angle)
            found += _is_found(box, _boxes(app, image))
        shares[str(angle)] = found / len(people)
    return shares


def tilted_heads(app: App, people: Sequence[Portrait]) -> dict[str, str]:
    """Return the cosine of tilted faces with the upright ones, median and worst tenth, by angle."""
    embedder = app.recognizers.get(app.model_version).embedder

    def vector(image: Image) -> NDArray[np.float32] | None:
        photo = as_photo(image)
        faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
        return embedder.embed(photo, [most_central(photo, faces)])[0] if faces else None

    upright = [vector(person.image_bgr) for person in people]
    cosines = {}
    for angle in track(ANGLES[1:], "tilted heads"):
        found = [
            float(one @ other)
            for one, person in zip(upright, people, strict=True)
            if one is not None and (other := vector(turn(person, angle)[0])) is not None
        ]
        cosines[str(angle)] = f"{np.median(found):.2f} / {np.percentile(found, 10):.2f}"
    return cosines


def boxes_by_photo(app: App, paths: Sequence[Path]) -> dict[str, list[list[float]]]:
    """Return the boxes in each photo where there are any: x1, y1, x2, y2 and the confidence."""
    found = {}
    for path in track(paths, "photos of nobody"):
        faces = _faces(app, _read(app, path))
        if faces:
            found[path.name] = [
                [round(n, 2) for n in (f.box.x1, f.box.y1, f.box.x2, f.box.y2, f.confidence)]
                for f in faces
            ]
    return found


def likenesses(app: App, paths: Sequence[Path]) -> dict[str, float]:
    """Return the boxes a photo, by the first word of the files' names."""
    photos: Counter[str] = Counter()
    boxes: defaultdict[str, int] = defaultdict(int)
    for path in track(paths, "likenesses"):
        kind = path.name.partition("_")[0]
        photos[kind] += 1
        boxes[kind] += len(_faces(app, _read(app, path)))
    return {f"{kind} ({count})": boxes[kind] / count for kind, count in sorted(photos.items())}


def curves(
    app: App, people: Sequence[Portrait], nobody: Sequence[Image]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return what is found, and what is drawn where nobody is, by each of two thresholds."""
    tried: dict[str, dict[str, dict[str, float]]] = {}
    for title, name, values in (
        ("mean score from which a doubtful face is seen again", "seen_again", SEEN_AGAIN),
        ("logit of Face Mesh that a doubtful face needs more", "more_logit", MORE_LOGIT),
    ):
        tried[title] = {}
        for value in values:
            with_value = _with_thresholds(app, **{name: value})
            lone = lone_faces(with_value, people, nobody, HEIGHTS_OF_CURVES)
            turned = turned_faces(with_value, people, ANGLES_OF_CURVES)
            boxes = sum(len(_faces(with_value, image)) for image in track(nobody, "nobody"))
            tried[title][f"{value:g}"] = {
                **{f"{height} px": share for height, share in lone.items()},
                **{f"{angle} degrees": share for angle, share in turned.items()},
                "boxes of nobody": boxes,
            }
    return tried


def _with_thresholds(app: App, **thresholds: float) -> App:
    network = YuNet(app.detector_session)
    detector = YuNetDetector(network, SecondLooks(network, app.face_mesh, **thresholds))
    return builders.app_with(app.settings, detector=detector)


def full_hd(image: Image) -> Image:
    """Return the middle of a photo in 1920x1080, scaled as little as can be."""
    height, width = image.shape[:2]
    zoom = max(FULL_HD[0] / width, FULL_HD[1] / height)
    size = max(FULL_HD[0], round(width * zoom)), max(FULL_HD[1], round(height * zoom))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    left, top = (size[0] - FULL_HD[0]) // 2, (size[1] - FULL_HD[1]) // 2
    return scaled[top : top + FULL_HD[1], left : left + FULL_HD[0]].astype(np.uint8)


def paste(canvas: Image, person: Portrait, height: int, chance: np.random.Generator) -> Box:
    """Put a face into a photo, with soft edges, and return where it is."""
    scale = height / person.box.height
    small = cv2.resize(person.image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    margin_x, margin_y = (_SURROUNDINGS * scale * n for n in (person.box.width, person.box.height))
    left = max(0, round(person.box.x1 * scale - margin_x))
    top = max(0, round(person.box.y1 * scale - margin_y))
    right, bottom = round(person.box.x2 * scale + margin_x), round(person.box.y2 * scale + margin_y)
    cut = small[top:bottom, left:right]
    rows, columns = cut.shape[:2]
    mask = np.zeros((rows, columns), np.float32)
    middle, axes = (columns // 2, rows // 2), (columns // 2 - 1, rows // 2 - 1)
    cv2.ellipse(mask, middle, axes, angle=0, startAngle=0, endAngle=360, color=1, thickness=-1)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.5, height / 20)))[..., np.newaxis]
    x = int(chance.integers(0, canvas.shape[1] - columns))
    y = int(chance.integers(0, canvas.shape[0] - rows))
    room = canvas[y : y + rows, x : x + columns]
    room[:] = (cut * soft + room * (1 - soft)).astype(np.uint8)
    shift_x, shift_y = x - left, y - top
    return Box(
        person.box.x1 * scale + shift_x,
        person.box.y1 * scale + shift_y,
        person.box.x2 * scale + shift_x,
        person.box.y2 * scale + shift_y,
    )


def turn(person: Portrait, angle: float) -> tuple[Image, Box]:
    """Return a photo turned about its middle, and the upright square around the turned face."""
    height, width = person.image_bgr.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    turned = cv2.warpAffine(
        person.image_bgr, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    box = person.box
    x, y = matrix @ ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, 1)
    half = (box.width + box.height) / 4
    return turned.astype(np.uint8), Box(x - half, y - half, x + half, y + half)


def as_photo(image_bgr: Image) -> Photo:
    """Return pixels as a decoded photo."""
    kind = ImageFormat.PNG
    return Photo(image_bgr, image_bgr, 1, has_orientation=False, format=kind, quality=None)


def _faces(app: App, image_bgr: Image) -> tuple[Face, ...]:
    return app.detector.detect(as_photo(image_bgr), profile=DetectionProfile.HIDING)


def _boxes(app: App, image_bgr: Image) -> list[Box]:
    return [face.box for face in _faces(app, image_bgr)]


def _is_found(box: Box, others: Sequence[Box]) -> bool:
    return any(geometry.iou(box, other) >= _FOUND for other in others)


def _read(app: App, path: Path) -> Image:
    return app.codec.decode(path.read_bytes()).upright_bgr


def _table(title: str, figures: Mapping[str, float | str]) -> Table:
    table = Table(*figures, title=title)
    table.add_row(*(n if isinstance(n, str) else f"{n:.2f}" for n in figures.values()))
    return table


def _curve_table(title: str, curve: dict[str, dict[str, float]]) -> Table:
    table = Table("threshold", *next(iter(curve.values())), title=title)
    for value, figures in curve.items():
        table.add_row(value, *(f"{figure:.2f}" for figure in figures.values()))
    return table


def _boxes_table(found: dict[str, list[list[float]]], photos: int) -> Table:
    count = sum(len(boxes) for boxes in found.values())
    table = Table("photo", "boxes", title=f"{count} boxes in {photos} photos of nobody")
    for name, boxes in found.items():
        table.add_row(name, str(boxes))
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("people", type=Path, help="a csv of pairs, or a folder of photos by person")
    parser.add_argument("nobody", type=Path, help="a folder of photos without people")
    parser.add_argument("--curves", action="store_true", help="try other thresholds, too")
    parser.add_argument("--likenesses", type=Path, help="a folder of what looks like faces")
    parser.add_argument("--output", type=Path, default=measure.BENCH / "detection.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
