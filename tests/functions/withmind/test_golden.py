"""Answers the requests of the vendor's guide in the guide's words."""

from pathlib import Path
from typing import Any

import pytest

from shared.app import App
from tests import examples
from tests.functions.withmind.client import ANALYSE, ENROL, WithmindClient
from tests.functions.withmind.conftest import app_with_models_of
from tests.functions.withmind.uploads import portrait, row_of, without_face

ENROLLING = examples.read("withmind/enrollment_img.json")
ANALYSING = examples.read("withmind/analy_img.json")

OBAMA = portrait("obama.jpg")
ENROLMENTS = {
    "failed": without_face(),
    "succeeded": OBAMA,
    "wrong size": OBAMA[:300_000],
    "wrong type": bytes(400_000),
}
ANALYSES = {
    "the same person": portrait("obama2.jpg"),
    "another person": portrait("biden.jpg"),
    "three people": row_of("obama.jpg", "biden.jpg", "biden.jpg"),
    "failed": without_face(),
    "wrong size": OBAMA + bytes(200_000),
    "not enrolled": OBAMA,
    "not enrolled, in the table": OBAMA,
}


@pytest.mark.parametrize("name", ENROLLING["answers"])
def test_answers_an_enrolment_in_the_words_of_the_guide(client: WithmindClient, name: str) -> None:
    answer = client.call(ENROL, ENROLMENTS[name], **ENROLLING["request"]).json
    assert answer == ENROLLING["answers"][name]


@pytest.mark.parametrize("name", ANALYSING["answers"])
def test_answers_an_analysis_in_the_words_of_the_guide(app: App, tmp_path: Path, name: str) -> None:
    other_spellings = "on" if name == "not enrolled" else "off"
    store = app_with_models_of(app, tmp_path, WITHMIND_OTHER_SPELLINGS=other_spellings)
    client = WithmindClient(store)
    if not name.startswith("not enrolled"):
        client.enrol(OBAMA, **ANALYSING["request"])
    answer: Any = client.call(ANALYSE, ANALYSES[name], **ANALYSING["request"]).json
    assert answer == ANALYSING["answers"][name]
