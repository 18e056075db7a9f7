"""Photos of people: which face is meant, whose it is, and its vector."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.pairs import Pairs
from shared.app import App
from shared.core.photos.models import DetectionProfile, Face, Photo

EAST_ASIAN_NAMES = Path(__file__).with_name("east_asian_names.txt")


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """The vector of each photo, (N, D), NaN without a face, and the milliseconds, (N,)."""

    vectors: NDArray[np.float64]
    ms: NDArray[np.float64]


def describe(
    app: App,
    data: Pairs,
    *,
    profile: DetectionProfile = DetectionProfile.RECOGNITION,
    accepts: Callable[[Photo, Face], bool] = lambda _photo, _face: True,
) -> Described:
    """Return the unit vector of each photo's most central face, if it is accepted."""
    embedder = app.recognizers.get(app.model_version).embedder
    _, spec = app.catalogue.embedder(app.model_version)
    vectors = np.full((len(data.files), spec.dimensions), np.nan)
    ms = np.empty(len(data.files))
    for number, name in enumerate(track(data.files, "this product")):
        start = time.perf_counter()
        photo = app.codec.decode((data.folder / name).read_bytes())
        face = central_face(app, photo, profile)
        if face and accepts(photo, face):
            (vectors[number],) = embedder.embed(photo, [face])
        ms[number] = (time.perf_counter() - start) * 1000
    return Described(vectors, ms)


def central_face(
    app: App, photo: Photo, profile: DetectionProfile = DetectionProfile.RECOGNITION
) -> Face | None:
    """Return the detected face whose centre is nearest the photo's."""
    return most_central(photo, app.detector.detect(photo, profile=profile))


def most_central(photo: Photo, faces: Sequence[Face]) -> Face | None:
    """Return the face whose centre is nearest the photo's; None of no faces."""
    width, height = photo.upright_size

    def off_centre(face: Face) -> float:
        box = face.box
        return float(np.hypot(box.x1 + box.x2 - width, box.y1 + box.y2 - height))

    return min(faces, key=off_centre, default=None)


def person_of(name: str) -> str:
    """Return the person that the name of a photo's file contains, `A_B` of `A_B_0001.jpg`."""
    return re.sub(r"_\d+\.\w+$", "", Path(name).name)


def has_east_asian_name(people: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return whether the list of names has each person, of shape (N,)."""
    lines = EAST_ASIAN_NAMES.read_text(encoding="utf-8").splitlines()
    return np.isin(people, [line for line in lines if not line.startswith("#")])
