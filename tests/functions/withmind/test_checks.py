"""The checks of a request, in the order of the contract, and the wording of each refusal."""

from pathlib import Path

import cv2
import pytest

from harness import builders, photos
from shared.app import App
from shared.vision.image import CvImageCodec
from tests import image_files
from tests.functions.withmind import uploads
from tests.functions.withmind.client import (
    ANALYSE,
    ENROL,
    Image,
    WithmindClient,
    body_of,
    form,
    parts,
)
from tests.functions.withmind.conftest import app_with_models_of

SUCCESS = b'{"result":"Success"}'
FAIL = b'{"result":"Fail"}'
WRONG_SIZE = b'{"result":{"message":"Fail","reason":"img_size_err"}}'
WRONG_TYPE = b'{"result":{"message":"Fail","reason":"File type err"}}'
NOT_ENROLLED = b'{"result":{"result":"unregistered user"}}'

GOOD = uploads.portrait("obama.jpg")
NO_IMAGE = bytes(400_000)
BOTH = pytest.mark.parametrize("path", [ENROL, ANALYSE])


@BOTH
@pytest.mark.parametrize("field", ["company", "id"])
@pytest.mark.parametrize(
    "value",
    [None, "", " ", "a b", "a/b", "a.b", "a\n", "한", "a" * 65, "../a", "a\0", "a,b", "'--"],
)
def test_a_missing_or_invalid_field_fails(
    client: WithmindClient, path: str, field: str, value: str | None
) -> None:
    assert client.answer(path, GOOD, **{field: value}) == FAIL


@BOTH
def test_a_missing_image_fails(client: WithmindClient, path: str) -> None:
    assert client.answer(path, None) == FAIL
    for content in ("a text", GOOD):
        without_file_name = [*parts(None), ("image", (None, content))]
        assert body_of(client.post(path, *form(without_file_name))) == FAIL


@BOTH
def test_a_field_sent_as_a_file_fails(client: WithmindClient, path: str) -> None:
    given = [*parts(GOOD, company=None), ("company", ("f.txt", "withmind"))]
    assert body_of(client.post(path, *form(given))) == FAIL


@BOTH
def test_a_field_given_twice_fails(client: WithmindClient, path: str) -> None:
    given = [*parts(GOOD), ("id", (None, "tamy"))]
    assert body_of(client.post(path, *form(given))) == FAIL


@BOTH
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", ""),
        (b"{}", "application/json"),
        (b"company=withmind&id=tamy", "application/x-www-form-urlencoded"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"\0" * 700_000, "multipart/form-data; boundary=x"),
        (GOOD, "image/jpeg"),
    ],
)
def test_a_body_that_is_not_a_form_fails(
    client: WithmindClient, path: str, body: bytes, content_type: str
) -> None:
    assert body_of(client.post(path, body, content_type)) == FAIL


@BOTH
def test_a_truncated_form_fails(client: WithmindClient, path: str) -> None:
    body, content_type = form(parts(GOOD))
    assert body_of(client.post(path, body[:-9], content_type)) == FAIL


@pytest.mark.parametrize("gender", ["2", "-1", "male", "01", "1.0", " 1", "\uff11"])
def test_an_invalid_gender_fails(client: WithmindClient, gender: str) -> None:
    assert client.answer(ENROL, GOOD, gender=gender) == FAIL


@pytest.mark.parametrize(
    "age", ["-1", "151", "28.5", "x", " 28", "1e2", "\uff12\uff18", "9" * 4000]
)
def test_an_invalid_age_fails(client: WithmindClient, age: str) -> None:
    assert client.answer(ENROL, GOOD, age=age) == FAIL


@pytest.mark.parametrize(
    ("gender", "age"),
    [("1", "28"), ("0", "0"), ("", ""), (None, "150"), ("0", None), (None, None)],
)
def test_gender_and_age_are_optional(
    client: WithmindClient, gender: str | None, age: str | None
) -> None:
    assert client.answer(ENROL, GOOD, gender=gender, age=age) == SUCCESS


def test_ignores_other_fields(client: WithmindClient) -> None:
    client.enrol(GOOD, note="x" * 4096, gender="1")
    assert client.analyse(GOOD, gender="x", age="x") == "+"


@pytest.mark.parametrize("name", ["a", "-", "_", "test_P", "A-1", "a" * 64])
def test_accepts_a_name_within_the_pattern(client: WithmindClient, name: str) -> None:
    client.enrol(GOOD, company=name, id=name)
    assert client.analyse(GOOD, company=name, id=name) == "+"


@pytest.mark.parametrize(
    ("size", "is_taken"), [(307_199, False), (307_200, True), (512_000, True), (512_001, False)]
)
def test_accepts_images_of_300_to_500_kilobytes(
    client: WithmindClient, size: int, is_taken: bool
) -> None:
    image = uploads.of_size(uploads.encoded(cv2.resize(uploads.decoded(GOOD), (400, 500))), size)
    assert len(image) == size
    assert client.answer(ENROL, image) == (SUCCESS if is_taken else WRONG_SIZE)
    assert client.answer(ANALYSE, image) == (
        b'{"result":{"person_1":"match"}}' if is_taken else WRONG_SIZE
    )


@BOTH
@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_image_is_of_the_wrong_size(client: WithmindClient, path: str, size: int) -> None:
    assert client.answer(path, bytes(size)) == WRONG_SIZE


@pytest.mark.parametrize(("size", "answer"), [(1_024_000, SUCCESS), (1_024_001, WRONG_SIZE)])
def test_accepts_requests_of_up_to_1000_kilobytes(
    client: WithmindClient, size: int, answer: bytes
) -> None:
    without = len(form([*parts(GOOD), ("extra", ("f", b""))])[0])
    body, content_type = form([*parts(GOOD), ("extra", ("f", bytes(size - without)))])
    assert len(body) == size
    assert body_of(client.post(ENROL, body, content_type)) == answer


@BOTH
@pytest.mark.parametrize("size", [10 * 1024 * 1024, 20 * 1024 * 1024])
def test_a_request_beyond_every_limit_is_of_the_wrong_size(
    client: WithmindClient, path: str, size: int
) -> None:
    assert client.answer(path, bytes(size)) == WRONG_SIZE


@pytest.mark.parametrize(
    "image",
    [
        NO_IMAGE,
        b"GIF89a" + bytes(400_000),
        b"\xff\xd8\xff\xe0" + bytes(400_000),
        photos.load("biden.jpg")[:320_000],
        image_files.png_header(10_000, 5_001) + bytes(400_000),
        image_files.with_png_chunks(
            image_files.png_header(10_000, 5_001), image_files.png_chunk(b"tEXt", bytes(400_000))
        ),
    ],
    ids=["zeros", "gif", "broken jpeg", "half a jpeg", "broken png", "51 megapixels"],
)
def test_a_file_that_cannot_be_decoded_is_of_the_wrong_type(
    client: WithmindClient, image: bytes
) -> None:
    assert client.answer(ENROL, image) == WRONG_TYPE
    assert client.answer(ANALYSE, image) == WRONG_TYPE


def test_a_photo_with_too_many_pixels_is_of_the_wrong_type(app: App, tmp_path: Path) -> None:
    store = app_with_models_of(app, tmp_path)
    few = builders.app_with(
        store.settings, keys=store.keys, recognizers=app.recognizers, codec=CvImageCodec(799_999)
    )
    assert WithmindClient(few).answer(ENROL, GOOD) == WRONG_TYPE


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_accepts_other_formats_under_any_file_name(client: WithmindClient, suffix: str) -> None:
    pixels = cv2.resize(uploads.decoded(photos.astronaut_jpeg())[:400, 50:450], (370, 370))
    image = uploads.encoded(pixels, suffix)
    image += bytes(max(0, 310_000 - len(image)))  # what lies behind an image is cut away
    client.enrol(image)
    assert client.analyse(image) == "+"


def test_a_photo_without_a_face_fails(client: WithmindClient) -> None:
    assert client.answer(ENROL, uploads.without_face()) == FAIL
    assert client.answer(ANALYSE, GOOD) == NOT_ENROLLED
    client.enrol(GOOD)
    assert client.answer(ANALYSE, uploads.without_face()) == FAIL


@pytest.mark.parametrize(
    ("fields", "image", "answer"),
    [
        ({"id": ""}, bytes(9), FAIL),
        ({"id": ""}, NO_IMAGE, FAIL),
        ({"company": ""}, bytes(1_100_000), FAIL),
        ({}, bytes(9), WRONG_SIZE),
        ({}, NO_IMAGE, WRONG_TYPE),
        ({}, uploads.without_face(), NOT_ENROLLED),
    ],
)
def test_checks_run_in_the_order_of_the_contract(
    client: WithmindClient, fields: dict[str, str], image: Image, answer: bytes
) -> None:
    assert client.answer(ANALYSE, image, **fields) == answer


def test_a_setting_switches_to_the_other_spellings(app: App, tmp_path: Path) -> None:
    store = app_with_models_of(app, tmp_path, WITHMIND_OTHER_SPELLINGS="on")
    client = WithmindClient(store)
    wrong_size = b'{"result":{"message":"Fail","reason":"img size err"}}'
    for path in (ENROL, ANALYSE):
        assert client.answer(path, bytes(9)) == wrong_size
        assert client.answer(path, bytes(11 * 1024 * 1024)) == wrong_size
        assert client.answer(path, None) == FAIL
        assert client.answer(path, NO_IMAGE) == WRONG_TYPE
    assert client.answer(ANALYSE, GOOD) == b'{"result":{"result":"unregistered user "}}'
    client.enrol(GOOD)
    assert client.analyse(GOOD) == "+"


@pytest.mark.parametrize("path", ["/enrollment_img", "/analy_img"])
def test_the_trailing_slash_may_be_left_out(client: WithmindClient, path: str) -> None:
    client.enrol(GOOD)
    assert client.call(path, GOOD).json == client.call(f"{path}/", GOOD).json


@pytest.mark.parametrize("path", [ENROL, ANALYSE, "/enrollment_img", "/analy_img"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_answers_another_method_with_405(client: WithmindClient, path: str, method: str) -> None:
    for image in (None, GOOD, bytes(11 * 1024 * 1024)):
        reply = client.post(path, *form(parts(image)), method=method)
        assert reply.status_code == 405
        assert reply.headers["Allow"] == "POST"
        assert reply.data == (b"" if method == "HEAD" else FAIL)


@pytest.mark.parametrize("path", ["/analy_img//", "//analy_img/", "/analy_img/x", "/ANALY_IMG/"])
def test_other_paths_are_not_served(client: WithmindClient, path: str) -> None:
    assert client.call(path, GOOD).status_code in {403, 404}
