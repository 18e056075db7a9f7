"""Measures which faces the detector finds, and how often it detects one where nobody is.

Needs the prepared models (`make models`), photos of one person each (a csv of pairs, or a folder
laid out like Labeled Faces in the Wild), and a folder of photos without people.

- Lone faces: one face of each person is cut out, scaled to a height, and put at a random place into
  a Full HD photo without people. It is found if a box overlaps the true one (IoU) by a quarter.
- Turned faces: the photos of people, rotated about their centre.
- Tilted heads: the cosine of the vector of each turned face with that of the upright one.
- With --curves: lone faces, turned faces and photos without people again, with other thresholds for
  doubtful faces (`shared.vision.refinement`).
- Photos without people: every box is wrong.
- With --likenesses, a folder of statues, drawings, dolls and animals: the boxes by kind
  (the first word of a file's name). Which of these should be hidden is a matter of taste.

The true boxes are those that the product finds in the upright photos, in which faces are large.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks import command, pairs
from benchmarks.people import central_face, person_of
from harness import builders, photos
from shared.app import App
from shared.config import Settings
from shared.core.photos import geometry
from shared.core.photos.models import Box, DetectionProfile, Face
from shared.vision.detector import YuNetDetector
from shared.vision.refinement import DetectionRefiner
from shared.vision.yunet import YuNet

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
_SURROUNDINGS = 0.5  # of the size of a face's box, cut out with it on each side
_SEED = 20261130

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photo of a person, and the box of the face."""

    image_bgr: Image
    box: Box


def main() -> None:
    """Run the command."""
    parser = command.parser(__file__, __doc__)
    parser.add_argument("people", type=Path, help=command.PAIRS_HELP)
    parser.add_argument("nobody", type=Path, help="a folder of photos without people")
    parser.add_argument("--curves", action="store_true", help="try other thresholds as well")
    parser.add_argument("--likenesses", type=Path, help="a folder of pictures that resemble faces")
    arguments = parser.parse_args()
    app = App(Settings.from_environment())
    people = portraits(app, pairs.read(arguments.people))
    nobody = [path for path in sorted(arguments.nobody.iterdir()) if path.is_file()]
    backgrounds = [_read(app, path) for path in nobody]
    rows: dict[str, list[dict[str, Any]]] = {
        "found, by height in pixels": [lone_faces(app, people, backgrounds, HEIGHTS)],
        "found, by angle in degrees": [turned_faces(app, people, ANGLES)],
        "cosine with the upright face, median / worst tenth": [tilted_heads(app, people)],
    }
    if arguments.curves:
        rows |= curves(app, people, backgrounds)
    if arguments.likenesses:
        found = likenesses(app, sorted(arguments.likenesses.iterdir()))
        rows["boxes in each photo, by kind"] = [found]
    boxes = boxes_by_photo(app, nobody)
    title = f"{sum(map(len, boxes.values()))} boxes in {len(nobody)} photos without people"
    command.report(
        arguments.output,
        {**rows, "boxes in photos without people": boxes},
        *(command.records(title, each) for title, each in rows.items()),
        command.table(title, ("photo", "boxes"), boxes.items()),
    )


def portraits(app: App, people: pairs.Pairs) -> list[Portrait]:
    """Return one photo of each of the first people with a detected face."""
    found: dict[str, Portrait] = {}
    for file in track(sorted(people.files), "faces to cut out"):
        if len(found) == _PEOPLE:
            break
        if person_of(file) in found:
            continue
        photo = photos.decoded(_read(app, people.folder / file))
        if face := central_face(app, photo):
            found[person_of(file)] = Portrait(photo.upright_bgr, face.box)
    return list(found.values())


def lone_faces(
    app: App, people: Sequence[Portrait], backgrounds: Sequence[Image], heights: Sequence[int]
) -> dict[str, float]:
    """Return the share of small faces that are found, by their height in pixels."""
    shares = {}
    for height in track(heights, "lone faces"):
        chance = np.random.default_rng(_SEED)  # the same places for each height
        found = 0
        for scene in range(_SCENES):
            canvas = full_hd(backgrounds[scene % len(backgrounds)])
            chosen = [
                people[(scene * _FACES_A_SCENE + n) % len(people)] for n in range(_FACES_A_SCENE)
            ]
            truth = [paste(canvas, person, height, chance) for person in chosen]
            found += _count_found(app, canvas, *truth)
        shares[str(height)] = found / (_SCENES * _FACES_A_SCENE)
    return shares


def turned_faces(app: App, people: Sequence[Portrait], angles: Sequence[int]) -> dict[str, float]:
    """Return the share of turned faces that are found, by the angle in degrees."""
    shares = {}
    for angle in track(angles, "turned faces"):
        found = sum(_count_found(app, *turn(person, angle)) for person in people)
        shares[str(angle)] = found / len(people)
    return shares


def tilted_heads(app: App, people: Sequence[Portrait]) -> dict[str, str]:
    """Return the cosines of tilted with upright faces, median and worst tenth, by angle."""
    embedder = app.recognizers.get(app.model_version).embedder

    def vector(image: Image) -> NDArray[np.float32] | None:
        photo = photos.decoded(image)
        face = central_face(app, photo)
        return embedder.embed(photo, [face])[0] if face else None

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
    """Return the boxes in each photo that has any: x1, y1, x2, y2 in pixels, and the confidence."""
    found = {}
    for path in track(paths, "boxes"):
        if faces := _faces(app, _read(app, path)):
            boxes = [(*astuple(face.box), face.confidence) for face in faces]
            found[path.name] = [[round(number, 2) for number in box] for box in boxes]
    return found


def likenesses(app: App, paths: Sequence[Path]) -> dict[str, float]:
    """Return the number of boxes in each photo, by the first word of the files' names."""
    counts = Counter(path.name.partition("_")[0] for path in paths)
    boxes: Counter[str] = Counter()
    for name, found in boxes_by_photo(app, paths).items():
        boxes[name.partition("_")[0]] += len(found)
    return {f"{kind} ({count})": boxes[kind] / count for kind, count in sorted(counts.items())}


def curves(
    app: App, people: Sequence[Portrait], nobody: Sequence[Image]
) -> dict[str, list[dict[str, Any]]]:
    """Return what is found, and the boxes in photos without people, by each of two thresholds."""
    tried: dict[str, list[dict[str, Any]]] = {}
    for title, name, values in (
        ("mean score from which a doubtful face is confirmed", "min_mean_score", SEEN_AGAIN),
        ("logit of Face Mesh that a doubtful face needs in addition", "extra_logit", MORE_LOGIT),
    ):
        tried[title] = []
        for value in values:
            with_value = _with_thresholds(app, **{name: value})
            lone = lone_faces(with_value, people, nobody, HEIGHTS_OF_CURVES)
            turned = turned_faces(with_value, people, ANGLES_OF_CURVES)
            boxes = sum(len(_faces(with_value, image)) for image in track(nobody, "nobody"))
            tried[title].append(
                {
                    "threshold": value,
                    **{f"{height} px": share for height, share in lone.items()},
                    **{f"{angle} degrees": share for angle, share in turned.items()},
                    "boxes in photos without people": boxes,
                }
            )
    return tried


def _with_thresholds(app: App, **thresholds: float) -> App:
    network = YuNet(app.detector_session)
    detector = YuNetDetector(network, DetectionRefiner(network, app.face_mesh, **thresholds))
    return builders.app_with(app.settings, detector=detector)


def full_hd(image: Image) -> Image:
    """Return the centre of a photo in 1920x1080, scaled as little as possible."""
    height, width = image.shape[:2]
    zoom = max(FULL_HD[0] / width, FULL_HD[1] / height)
    size = max(FULL_HD[0], round(width * zoom)), max(FULL_HD[1], round(height * zoom))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    left, top = (size[0] - FULL_HD[0]) // 2, (size[1] - FULL_HD[1]) // 2
    return scaled[top : top + FULL_HD[1], left : left + FULL_HD[0]].astype(np.uint8)


def paste(canvas: Image, person: Portrait, height: int, chance: np.random.Generator) -> Box:
    """Put a face of this height in pixels into a photo, with soft edges, and return its box."""
    box = person.box
    scale = height / box.height
    small = cv2.resize(person.image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    corners = scale * np.array([[box.x1, box.y1], [box.x2, box.y2]])
    margin = _SURROUNDINGS * scale * np.array([box.width, box.height])
    left, top = np.maximum(0, np.rint(corners[0] - margin)).astype(int)
    right, bottom = np.rint(corners[1] + margin).astype(int)
    cut = small[top:bottom, left:right]
    rows, columns = cut.shape[:2]
    mask = np.zeros((rows, columns), np.float32)
    middle, axes = (columns // 2, rows // 2), (columns // 2 - 1, rows // 2 - 1)
    cv2.ellipse(mask, middle, axes, angle=0, startAngle=0, endAngle=360, color=1, thickness=-1)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.5, height / 20)))[..., np.newaxis]
    x = int(chance.integers(0, canvas.shape[1] - columns))
    y = int(chance.integers(0, canvas.shape[0] - rows))
    area = canvas[y : y + rows, x : x + columns]
    area[:] = (cut * soft + area * (1 - soft)).astype(np.uint8)
    shift = np.array([x - left, y - top])
    return Box(*map(float, (corners + shift).ravel()))


def turn(person: Portrait, angle: float) -> tuple[Image, Box]:
    """Return a photo rotated about its centre by degrees, and the square around the face."""
    height, width = person.image_bgr.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    turned = cv2.warpAffine(
        person.image_bgr, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    box = person.box
    x, y = matrix @ ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, 1)
    half = (box.width + box.height) / 4
    return turned.astype(np.uint8), Box(x - half, y - half, x + half, y + half)


def _faces(app: App, image_bgr: Image) -> tuple[Face, ...]:
    return app.detector.detect(photos.decoded(image_bgr), profile=DetectionProfile.HIDING)


def _count_found(app: App, image_bgr: Image, *boxes: Box) -> int:
    """Return how many of the boxes are found in a photo."""
    faces = _faces(app, image_bgr)
    return sum(any(geometry.iou(box, face.box) >= _FOUND for face in faces) for box in boxes)


def _read(app: App, path: Path) -> Image:
    return app.codec.decode(path.read_bytes()).upright_bgr


if __name__ == "__main__":
    main()
