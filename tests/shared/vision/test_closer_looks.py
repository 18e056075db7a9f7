import cv2
import numpy as np
from numpy.typing import NDArray

from shared.app import App
from shared.vision.candidates import Candidates, suppress_overlapping
from shared.vision.centerface import CenterFace
from shared.vision.closer_looks import look_closer
from tests import photos

HEAD = 64  # pixels of a head, whose face is of 26


def heads(rows: int, columns: int) -> NDArray[np.uint8]:
    """Return a grey Full HD photo with small heads in rows from its upper left."""
    image = cv2.imdecode(np.frombuffer(photos.astronaut_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    head = cv2.resize(image[:290, 80:370], (HEAD, HEAD), interpolation=cv2.INTER_AREA)
    photo = np.full((1080, 1920, 3), 127, np.uint8)
    photo[: rows * HEAD, : columns * HEAD] = np.tile(head, (rows, columns, 1))
    return photo


def peaks_of(network: CenterFace, photo: NDArray[np.uint8]) -> Candidates:
    (found,) = network.find([cv2.resize(photo, (672, 378), interpolation=cv2.INTER_AREA)], 0.004)  # type: ignore[list-item]
    return found.mapped((1920 / 672, 1080 / 378), (0, 0))


def count_faces(app: App, photo: NDArray[np.uint8]) -> tuple[int, int]:
    """Return how many sure faces the coarse look shows, and how many closer looks."""
    network = CenterFace(app.detector_session)
    peaks = peaks_of(network, photo)
    found = look_closer(network, photo, peaks, 1.0, 0.2)
    coarse, closer = (suppress_overlapping(seen.above(0.5)) for seen in (peaks, found))
    return len(coarse), len(closer)


def test_closer_looks_find_what_the_coarse_one_only_hints_at(app: App) -> None:
    coarse, closer = count_faces(app, heads(2, 3))
    assert coarse < 6
    assert closer == 6


def test_looks_go_on_while_they_bring_faces_to_light(app: App) -> None:
    """Forty faces need more windows than one round has."""
    coarse, closer = count_faces(app, heads(4, 10))
    assert coarse < 20
    assert closer >= 39


def test_a_crowd_is_looked_at_as_a_whole(app: App) -> None:
    _, closer = count_faces(app, heads(16, 30))
    assert closer > 0.95 * 16 * 30


def test_nothing_is_found_where_the_coarse_look_shows_nothing(app: App) -> None:
    network = CenterFace(app.detector_session)
    photo = heads(0, 0)
    none = peaks_of(network, photo).above(2.0)
    assert len(look_closer(network, photo, none, 1.0, 0.2)) == 0
