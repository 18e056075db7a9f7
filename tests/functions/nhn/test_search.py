"""Searching and comparing, with photos of real people."""

import cv2
import numpy as np
import pytest

from harness import photos
from shared.app import App
from tests.functions.nhn.client import NhnClient, image
from tests.functions.nhn.test_faces import decoded, encoded, fill

NO_FACE = encoded(np.full((200, 200, 3), 128, np.uint8))


@pytest.fixture
def people(client: NhnClient) -> dict[str, str]:
    """A group of three photos of two people; face id by file name."""
    group = client.create_group()
    return {
        name: client.add(group, photos.load(name), externalImageId=name)["addedFaces"][0]["faceId"]
        for name in ("obama.jpg", "obama2.jpg", "biden.jpg")
    }


def names(matches: list[dict[str, dict[str, str]]]) -> list[str]:
    return [match["face"]["externalImageId"] for match in matches]


@pytest.mark.usefixtures("people")
def test_finds_the_person_in_a_photo(client: NhnClient) -> None:
    body = {"image": image(photos.load("obama3.jpg"))}
    data = client.data("POST", "/groups/people/search?limit=10&threshold=80", body)
    assert set(names(data["matchFaces"])) == {"obama.jpg", "obama2.jpg"}
    assert data["matchFaceCount"] == 2
    similarities = [match["similarity"] for match in data["matchFaces"]]
    assert similarities == sorted(similarities, reverse=True)
    assert data["sourceFace"]["confidence"] > 50
    assert data["modelVersion"]


@pytest.mark.usefixtures("people")
def test_the_same_photo_has_a_similarity_near_100(client: NhnClient) -> None:
    body = {"image": image(photos.load("biden.jpg"))}
    data = client.data("POST", "/groups/people/search?limit=1&threshold=99", body)
    assert names(data["matchFaces"]) == ["biden.jpg"]


@pytest.mark.usefixtures("people")
def test_a_low_threshold_returns_everyone_and_a_limit_the_most_similar(client: NhnClient) -> None:
    body = {"image": image(photos.load("biden.jpg"))}
    data = client.data("POST", "/groups/people/search?limit=4096&threshold=1", body)
    assert names(data["matchFaces"])[0] == "biden.jpg"
    assert data["matchFaceCount"] == 3
    data = client.data("POST", "/groups/people/search?limit=1&threshold=1", body)
    assert names(data["matchFaces"]) == ["biden.jpg"]


@pytest.mark.usefixtures("people")
def test_searches_for_the_largest_face(client: NhnClient) -> None:
    small, large = decoded(photos.load("biden.jpg")), decoded(photos.load("obama.jpg"))
    canvas = np.zeros((large.shape[0], large.shape[1] + 400, 3), np.uint8)
    canvas[:, : large.shape[1]] = large
    canvas[:400, large.shape[1] :] = cv2.resize(small[: small.shape[1]], (400, 400))
    body = {"image": image(encoded(canvas))}
    data = client.data("POST", "/groups/people/search?limit=1&threshold=90", body)
    assert names(data["matchFaces"]) == ["obama.jpg"]


def test_finds_faces_similar_to_one_of_the_group(client: NhnClient, people: dict[str, str]) -> None:
    path = f"/groups/people/faces/{people['obama.jpg']}?limit=10&threshold=80"
    data = client.data("GET", path)
    assert names(data["matchFaces"]) == ["obama2.jpg"]
    assert data["modelVersion"]


def test_leaves_out_the_face_itself(client: NhnClient, people: dict[str, str]) -> None:
    path = f"/groups/people/faces/{people['obama.jpg']}?limit=1&threshold=1"
    assert names(client.data("GET", path)["matchFaces"]) == ["obama2.jpg"]
    path = f"/groups/people/faces/{people['obama.jpg']}?limit=4096&threshold=1"
    assert client.data("GET", path)["matchFaceCount"] == 2


def test_leaves_out_the_face_itself_but_not_its_copies(client: NhnClient, store: App) -> None:
    client.create_group("twins")
    fill(store, "twins", 50)
    faces = client.data("GET", "/groups/twins/faces?limit=200")["faces"]
    for face in faces[::10]:
        path = f"/groups/twins/faces/{face['faceId']}?limit=49&threshold=100"
        found = client.data("GET", path)["matchFaces"]
        assert len(found) == 49
        assert face["faceId"] not in [match["face"]["faceId"] for match in found]


def test_an_unknown_face_is_not_found(client: NhnClient) -> None:
    client.create_group("people")
    for face_id in ("x", "00000000-0000-4000-8000-000000000000", "a" * 3000, "%00"):
        path = f"/groups/people/faces/{face_id}?limit=1&threshold=1"
        assert client.code("GET", path) == -40050


def test_a_new_face_is_found_and_a_deleted_one_is_not(
    client: NhnClient, people: dict[str, str]
) -> None:
    path = f"/groups/people/faces/{people['obama.jpg']}?limit=10&threshold=80"
    assert names(client.data("GET", path)["matchFaces"]) == ["obama2.jpg"]
    client.add("/groups/people", photos.load("obama3.jpg"), externalImageId="obama3.jpg")
    assert set(names(client.data("GET", path)["matchFaces"])) == {"obama2.jpg", "obama3.jpg"}
    client.data("DELETE", f"/groups/people/faces/{people['obama2.jpg']}")
    assert names(client.data("GET", path)["matchFaces"]) == ["obama3.jpg"]


def test_searching_an_empty_group_finds_nothing(client: NhnClient) -> None:
    group = client.create_group()
    body = {"image": image(photos.load("obama.jpg"))}
    data = client.data("POST", f"{group}/search?limit=1&threshold=1", body)
    assert data["matchFaces"] == []
    assert data["sourceFace"]


def test_a_source_without_a_face_is_an_invalid_parameter_with_a_reason(client: NhnClient) -> None:
    group = client.create_group()
    body = {"image": image(NO_FACE)}
    reply = client.call("POST", f"{group}/search?limit=1&threshold=1", body)
    assert reply.json["header"]["resultCode"] == -40000
    assert reply.headers["X-Face-Reason"] == "NoFace"


@pytest.mark.parametrize(
    "query",
    [
        "", "limit=1", "threshold=90", "limit=0&threshold=90", "limit=4097&threshold=90",
        "limit=1&threshold=0", "limit=1&threshold=101", "limit=1&threshold=90.5",
        "limit=x&threshold=90", "limit=1&threshold=",
    ],
)  # fmt: skip
def test_refuses_an_invalid_query(client: NhnClient, people: dict[str, str], query: str) -> None:
    body = {"image": image(photos.load("obama.jpg"))}
    assert client.code("POST", f"/groups/people/search?{query}", body) == -40000
    face = f"/groups/people/faces/{people['obama.jpg']}"
    assert client.code("GET", f"{face}?{query}") == -40000


def compare(client: NhnClient, source: bytes, target: bytes, query: str = "?threshold=80") -> int:
    body = {"sourceImage": image(source), "targetImage": image(target)}
    return client.code("POST", f"/compare{query}", body)


def test_compares_the_people_of_two_photos(client: NhnClient) -> None:
    body = {
        "sourceImage": image(photos.load("obama2.jpg")),
        "targetImage": image(photos.side_by_side(*photos.TWO_PEOPLE)),
    }
    data = client.data("POST", "/compare?threshold=80", body)
    assert (data["matchedFaceDetailCount"], data["unmatchedFaceDetailCount"]) == (1, 1)
    (matched,), (unmatched,) = data["matchedFaceDetails"], data["unmatchedFaceDetails"]
    assert matched["similarity"] >= 80 > unmatched["similarity"]
    assert matched["faceDetail"]["bbox"]["x0"] < unmatched["faceDetail"]["bbox"]["x0"]
    assert set(data["sourceFace"]) == {"bbox", "confidence"}


def test_compare_takes_its_threshold_from_the_body(client: NhnClient) -> None:
    photo = image(photos.load("obama.jpg"))
    body = {"sourceImage": photo, "targetImage": photo, "threshold": 90}
    assert client.data("POST", "/compare", body)["matchedFaceDetailCount"] == 1
    assert client.code("POST", "/compare", body | {"threshold": 101}) == -40000
    assert client.code("POST", "/compare?threshold=90", body | {"threshold": 101}) == 0


def test_compare_requires_a_threshold(client: NhnClient) -> None:
    photo = photos.load("obama.jpg")
    assert compare(client, photo, photo, query="") == -40000


def test_a_target_without_a_face_is_a_success(client: NhnClient) -> None:
    body = {"sourceImage": image(photos.load("obama.jpg")), "targetImage": image(NO_FACE)}
    data = client.data("POST", "/compare?threshold=80", body)
    assert (data["matchedFaceDetailCount"], data["unmatchedFaceDetailCount"]) == (0, 0)


def test_a_source_without_a_face_is_refused(client: NhnClient) -> None:
    body = {"sourceImage": image(NO_FACE), "targetImage": image(photos.load("obama.jpg"))}
    reply = client.call("POST", "/compare?threshold=80", body)
    assert reply.json["header"]["resultCode"] == -40000
    assert reply.headers["X-Face-Reason"] == "NoFace"


@pytest.mark.parametrize(
    ("bad", "code", "message"),
    [
        (image(b"GIF89a" + bytes(90)), -45040, "ImageInvalidImageFormatException"),
        (image(bytes(5_000_001)), -45020, "ImageImageTooLargeException"),
        ({"url": "ftp://example.com/a.jpg"}, -45050, "ImageInvalidImageURLException"),
    ],
)
@pytest.mark.parametrize("which", ["Source", "Target"])
def test_image_errors_of_compare_name_the_image(
    client: NhnClient, bad: object, code: int, message: str, which: str
) -> None:
    good = image(photos.load("obama.jpg"))
    body = {"sourceImage": good, "targetImage": good, f"{which.lower()}Image": bad}
    header = client.answer("POST", "/compare?threshold=80", body)["header"]
    assert header["resultCode"] == code
    assert header["resultMessage"] == f"{message}:{which}"


@pytest.mark.parametrize("missing", ["sourceImage", "targetImage"])
def test_both_images_are_required(client: NhnClient, missing: str) -> None:
    body = {"sourceImage": image(NO_FACE), "targetImage": image(NO_FACE)}
    del body[missing]
    assert client.code("POST", "/compare?threshold=80", body) == -40000
