import numpy as np

from benchmarks import people
from harness import photos
from shared.core.photos.models import Box, Face


def face(*corners: float) -> Face:
    return Face(Box(*corners), 0.9, ((0.0, 0.0),) * 5)


def test_the_face_nearest_the_centre_is_meant_however_small() -> None:
    photo = photos.decoded(np.zeros((200, 300, 3), np.uint8))
    large, small = face(0, 0, 140, 180), face(140, 100, 150, 110)

    assert people.most_central(photo, (large, small)) is small


def test_no_face_is_meant_where_there_is_none() -> None:
    assert people.most_central(photos.decoded(np.zeros((200, 300, 3), np.uint8)), ()) is None


def test_knows_names_by_the_list() -> None:
    names = np.array(["Roh_Moo-hyun", "Gordon_Brown", "Junichiro_Koizumi", "Kim_Clijsters"])

    assert people.has_east_asian_name(names).tolist() == [True, False, True, False]


def test_the_person_is_in_the_name_of_the_file() -> None:
    name = "Jean-David_Levitte/Jean-David_Levitte_0004.jpg"

    assert people.person_of(name) == "Jean-David_Levitte"
