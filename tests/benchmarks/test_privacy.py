import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import privacy
from benchmarks.privacy import Seen, Sight
from harness import photos
from shared.app import App
from shared.config import ROOT
from shared.core.hiding.ports import HideMethod
from shared.core.photos.models import Box, DetectionProfile, Face, ImageFormat, Photo

LANDMARKS = ((0.0, 0.0),) * 5
FACE = Face(Box(40, 40, 60, 60), 0.9, LANDMARKS)
PLAIN = np.zeros((100, 100, 3), np.uint8)
PHOTO = Photo(PLAIN, PLAIN, 1, False, ImageFormat.PNG, None)


def sight(person: int) -> Sight:
    return Sight(person, Path(), PHOTO, FACE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of each of four people, one of them the mirror image of another."""
    folder = tmp_path_factory.mktemp("people")
    people = {
        "Ann": photos.astronaut_jpeg(),
        "Barack": photos.load("obama.jpg"),
        "Joe": photos.load("biden.jpg"),
    }
    for name, data in people.items():
        image_bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert image_bgr is not None
        write_twice(folder, name, image_bgr)
        if name == "Joe":
            write_twice(folder, "Mirrored", cv2.flip(image_bgr, 1))
    return folder


def write_twice(folder: Path, name: str, image_bgr: cv2.typing.MatLike) -> None:
    cv2.imwrite(str(folder / f"{name}_0001.jpg"), image_bgr)
    cv2.imwrite(str(folder / f"{name}_0002.jpg"), cv2.convertScaleAbs(image_bgr, alpha=0.8))


def test_takes_people_with_two_photos_in_the_order_of_their_names(tmp_path: Path) -> None:
    images = tmp_path / "images"
    names = ("Bo_0001", "Al_Ex_0001", "Al_Ex_0003", "Al_Ex_0002", "Cy_0001", "Cy_0002")
    for name in names:
        path = images / name[:2] / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listing = tmp_path / "pairs.csv"
    listing.touch()

    found = privacy.find_photos(listing, 10, 2)

    assert [[path.stem for path in paths] for paths in found] == [
        ["Al_Ex_0001", "Al_Ex_0002"],
        ["Cy_0001", "Cy_0002"],
    ]
    assert privacy.find_photos(images, 1, 9) == [sorted((images / "Al").iterdir())]


def test_refuses_too_few_people(app: App, folder: Path) -> None:
    files = privacy.find_photos(folder, 3, 2)

    with pytest.raises(privacy.TooFewPeopleError, match="3 people"):
        privacy.find_faces(app, files)


def test_people_without_two_faces_are_left_out(app: App, folder: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "No_0001.jpg"), PLAIN)
    nobody = [tmp_path / "No_0001.jpg"] * 2

    people = [nobody, *privacy.find_photos(folder, 9, 2)]

    sights = privacy.find_faces(app, people)

    assert [s.person for s in sights] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert sights[0].path.stem == "Ann_0001"


def test_the_attacker_aligns_hidden_faces_like_clean_ones(app: App) -> None:
    photo = app.codec.decode(photos.astronaut_jpeg())
    (face,) = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
    seen = Sight(0, Path(), photo, face)
    hidden = app.redactor.hide(photo, [face], HideMethod.BLUR)
    (x, y), right_eye, nose, left_mouth, right_mouth = face.landmarks
    points = (x + 5, y), right_eye, nose, left_mouth, right_mouth
    mistaken = replace(face, landmarks=points)
    embedder = app.recognizers.get(app.model_version).embedder

    of_clean, of_hidden = privacy.look(embedder, [seen, seen], [photo, hidden]).vectors

    assert of_clean == pytest.approx(embedder.embed(photo, [face])[0], abs=1e-3)
    assert of_hidden == pytest.approx(embedder.embed(hidden, [face])[0], abs=1e-3)
    assert np.abs(of_hidden - embedder.embed(hidden, [mistaken])[0]).max() > 0.01


def test_a_thumbnail_shows_the_face_and_what_surrounds_it() -> None:
    pixels = PLAIN.copy()
    pixels[40:60, 40:60] = 200
    photo = Photo(pixels, pixels, 1, False, ImageFormat.PNG, None)

    picture = privacy.thumbnail(photo, FACE)

    assert picture.shape == (12, 12, 3)
    assert picture[5:7, 5:7].min() == 200
    assert picture[:2].max() == 0
    assert picture.mean() == pytest.approx(200 / 2.5**2, rel=0.1)


def test_each_attack_has_its_own_gallery_and_probes() -> None:
    people = 8
    sights = [sight(person) for person in range(people) for _ in range(2)]
    own = np.eye(people).repeat(2, axis=0)
    blank = np.zeros((2 * people, 12, 12, 3))
    following = np.roll(own, 2, axis=0)

    figures = privacy.judge(sights, Seen(following, blank), Seen(own, blank))

    assert figures["same photo"].rank_1.value == 0
    assert figures["other photo"].rank_1.value == 0
    assert figures["parrot"].rank_1.value == 1
    assert figures["other photo"].rank_1.chance == 1 / people
    assert figures["learnt"].rank_1.chance == 2 / people


def test_the_command_prints_a_table_and_writes_it_as_json(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "made" / "privacy.json"
    command = [sys.executable, "-m", "benchmarks.privacy", str(folder), "--output", str(output)]

    done = subprocess.run(
        [*command, "--methods", "veil"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "veil" in done.stdout
    figures = json.loads(output.read_text(encoding="utf-8"))
    assert list(figures) == ["not hidden", "veil"]
    assert figures["not hidden"]["same photo"]["rank_1"]["value"] == 1
    assert figures["not hidden"]["other photo"]["rank_1"]["value"] == 1
    assert figures["veil"]["other photo"]["rank_10"]["chance"] == 1
