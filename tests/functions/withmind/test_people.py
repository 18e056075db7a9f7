"""Enrolling and recognising people, with photos of real ones."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from harness import builders
from shared.app import App
from shared.core.errors import PersonNotFoundError
from shared.core.photos.models import DetectionProfile
from shared.core.recognition.models import PersonId
from shared.core.recognition.ports import Recognizer
from shared.core.recognition.similarity import Calibration
from tests.catalogues import renewed
from tests.functions.withmind import uploads
from tests.functions.withmind.client import ANALYSE, WithmindClient
from tests.functions.withmind.conftest import app_with_models_of
from tests.functions.withmind.uploads import portrait, row_of
from tests.nonempty import nonempty

OBAMA, OBAMA_LATER, BIDEN = portrait("obama.jpg"), portrait("obama2.jpg"), portrait("biden.jpg")
TAMY = PersonId("public", "withmind", "tamy")
NOT_ENROLLED = b'{"result":{"result":"unregistered user"}}'


def test_recognises_the_person_in_another_photo(client: WithmindClient) -> None:
    client.enrol(OBAMA)
    assert client.analyse(OBAMA_LATER) == "+"
    assert client.analyse(BIDEN) == "-"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("obama2.jpg", "biden.jpg"), "+-"),
        (("biden.jpg", "obama2.jpg"), "-+"),
        (("biden.jpg", "obama2.jpg", "biden.jpg"), "-+-"),
        (("obama.jpg", "biden.jpg", "obama2.jpg"), "+-+"),
    ],
)
def test_judges_every_face_from_left_to_right(
    client: WithmindClient, names: tuple[str, ...], expected: str
) -> None:
    client.enrol(OBAMA)
    assert client.analyse(row_of(*names)) == expected


def test_enrols_the_largest_face(client: WithmindClient) -> None:
    small, large = cv2.resize(uploads.decoded(BIDEN), (400, 500)), uploads.decoded(OBAMA)
    both = np.zeros((1000, 1200, 3), np.uint8)
    both[:500, :400], both[:, 400:] = small, large
    client.enrol(uploads.of_size(uploads.encoded(both), 400_000))
    assert client.analyse(BIDEN) == "-"
    assert client.analyse(OBAMA_LATER) == "+"


@pytest.mark.parametrize(("pixels", "is_seen"), [(34, False), (46, True)])
def test_finds_faces_of_40_pixels(
    client: WithmindClient, store: App, pixels: int, is_seen: bool
) -> None:
    face = store.detector.detect(store.codec.decode(OBAMA), profile=DetectionProfile.RECOGNITION)[0]
    scale = pixels / min(face.box.width, face.box.height)
    small = cv2.resize(uploads.decoded(OBAMA), None, fx=scale, fy=scale)
    canvas = np.full((480, 640, 3), 110, np.uint8)
    canvas[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
    image = uploads.of_size(uploads.encoded(canvas), 400_000)
    client.enrol(OBAMA)
    answer = b'{"result":{"person_1":"match"}}' if is_seen else b'{"result":"Fail"}'
    assert client.answer(ANALYSE, image) == answer


def test_a_new_enrolment_replaces_the_old_one(client: WithmindClient) -> None:
    client.enrol(OBAMA)
    client.enrol(BIDEN)
    assert client.analyse(row_of("obama.jpg", "biden.jpg")) == "-+"


@pytest.mark.parametrize(
    "other",
    [
        {"company": "other"},
        {"company": "Withmind"},
        {"company": "withmin"},
        {"id": "Tamy"},
        {"id": "tam"},
        {"company": "tamy", "id": "withmind"},
    ],
)
def test_company_and_id_together_name_a_person(
    client: WithmindClient, other: dict[str, str]
) -> None:
    client.enrol(OBAMA)
    assert client.answer(ANALYSE, OBAMA, **other) == NOT_ENROLLED
    client.enrol(BIDEN, **other)
    assert client.analyse(OBAMA) == "+"
    assert client.analyse(OBAMA, **other) == "-"


def test_the_threshold_is_a_setting(app: App, tmp_path: Path) -> None:
    everyone = WithmindClient(app_with_models_of(app, tmp_path, WITHMIND_THRESHOLD="1"))
    everyone.enrol(OBAMA)
    assert everyone.analyse(BIDEN) == "+"
    strict = WithmindClient(app_with_models_of(app, tmp_path, WITHMIND_THRESHOLD="100"))
    assert strict.analyse(OBAMA_LATER) == "-"


def test_the_sizes_of_images_are_settings(app: App, tmp_path: Path) -> None:
    sizes = {"WITHMIND_MIN_IMAGE_BYTES": "0", "WITHMIND_MAX_REQUEST_BYTES": "410000"}
    client = WithmindClient(app_with_models_of(app, tmp_path, **sizes))
    client.enrol(OBAMA)
    wrong_size = {"message": "Fail", "reason": "img_size_err"}
    assert client.call(ANALYSE, OBAMA + bytes(20_000)).json["result"] == wrong_size


class _TwoModels:
    """Implements `RecognizerRegistry` with one more model, which takes everyone for the same."""

    def __init__(self, app: App) -> None:
        self._app = app

    def get(self, model_version: str) -> Recognizer:
        if model_version == self._app.model_version:
            return self._app.recognizers.get(model_version)
        assert model_version == "another"
        embedder = self._app.recognizers.get(self._app.model_version).embedder
        return Recognizer(embedder, Calibration(((-1.0, 99.0), (1.0, 100.0))))


def test_a_template_is_compared_with_the_model_that_made_it(
    app: App, store: App, tmp_path: Path
) -> None:
    client = WithmindClient(store)
    client.enrol(OBAMA)
    person = store.persons.get(TAMY)
    assert person.model_version == store.model_version
    other = replace(person, model_version="another")
    vector = store.sealer.open(person, str(TAMY), person.sealed_vector)
    store.persons.put(replace(other, sealed_vector=store.sealer.seal(other, str(TAMY), vector)))
    two = builders.app_with(
        store.settings,
        recognizers=_TwoModels(app),
        **{name: getattr(store, name) for name in ("codec", "detector", "keys", "persons")},
    )
    assert WithmindClient(two).analyse(BIDEN) == "+"
    assert client.answer(ANALYSE, BIDEN) == NOT_ENROLLED


def test_a_template_of_a_missing_model_counts_as_not_enrolled(store: App) -> None:
    WithmindClient(store).enrol(OBAMA)
    ports = {name: getattr(store, name) for name in ("codec", "detector", "keys", "persons")}
    now = builders.app_with(store.settings, catalogue=renewed(store.catalogue), **ports)
    client = WithmindClient(now)
    assert client.answer(ANALYSE, OBAMA) == NOT_ENROLLED
    assert client.answer(ANALYSE, BIDEN) == NOT_ENROLLED
    client.enrol(OBAMA)
    assert client.analyse(OBAMA_LATER) == "+"
    assert client.analyse(BIDEN) == "-"
    assert store.persons.get(TAMY).model_version == "renewed"
    assert list(store.persons.list_ids("public", "withmind")) == [TAMY]


def test_a_template_moved_to_another_person_cannot_be_opened(
    client: WithmindClient, store: App
) -> None:
    client.enrol(OBAMA)
    other = replace(TAMY, user_id="other")
    store.persons.put(replace(store.persons.get(TAMY), id=other))
    assert client.answer(ANALYSE, OBAMA, id="other") == b'{"result":"Fail"}'


def test_stores_the_sealed_vector_and_nothing_else_of_the_face(
    client: WithmindClient, store: App
) -> None:
    client.enrol(OBAMA, gender="1", age="61")
    client.analyse(OBAMA_LATER)
    photo = store.codec.decode(OBAMA)
    face = store.detector.detect(photo, profile=DetectionProfile.RECOGNITION)[0]
    (vector,) = store.recognizers.get(store.model_version).embedder.embed(photo, [face])
    person = store.persons.get(TAMY)
    opened = store.sealer.open(person, str(TAMY), person.sealed_vector)
    assert opened.tobytes() == vector.tobytes()
    private = [
        vector[8:12].tobytes(),
        b"\xff\xd8\xff",
        OBAMA[-5064:-5000],
        OBAMA_LATER[-5064:-5000],
    ]
    for path in nonempty(store.settings.data_dir.rglob("*")):
        content = path.read_bytes()
        assert not any(secret in content for secret in private), path


def test_concurrent_enrolments_leave_one_whole_template(client: WithmindClient) -> None:
    images = [OBAMA, BIDEN] * 4
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client.enrol, images))
        answers = set(pool.map(client.analyse, [row_of("obama.jpg", "biden.jpg")] * 4))
    assert answers in ({"+-"}, {"-+"})


def test_an_erased_person_is_not_enrolled(client: WithmindClient, store: App) -> None:
    client.enrol(OBAMA)
    store.persons.delete(TAMY)
    assert client.answer(ANALYSE, OBAMA) == NOT_ENROLLED
    with pytest.raises(PersonNotFoundError):
        store.persons.get(TAMY)
